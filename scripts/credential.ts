import { runCredential } from './credential-commands.ts';

process.exitCode = await runCredential(process.argv.slice(2), {
  env: process.env,
  say: text => console.log(text),
  tell: text => console.error(text),
});
