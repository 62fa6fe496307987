import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { readLocalSettings } from '../local/cloud/read-local-settings.ts';
import { worstOf } from '../shared/domain/finding.ts';
import { lookAround } from './doctor-look.ts';
import { renderFindings } from './doctor-report.ts';
import { CONTROL_VARIABLE, runOnLocalCloud } from './run-on-local-cloud.ts';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const USAGE = `Looks at everything between the settings and a mail that could be sent, and says how to mend what is wrong. Sends nothing.

  npm run doctor                                  with the environment and local.settings.json
  npm run doctor -- --mailbox billing@contoso.com only this mailbox
  npm run doctor -- --json                        for programs
  npm run doctor -- --local                       on the local cloud: the one of npm start, or one for this command alone

Without the managed identity of Azure, Key Vault is read as whoever is signed in with "az login".
Exit code: 0 nothing failed, 1 something failed, 2 the arguments are wrong.`;

async function main(): Promise<number> {
  const options = {
    mailbox: { type: 'string' },
    json: { type: 'boolean' },
    local: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  } as const;
  let values: { mailbox?: string; json?: boolean; local?: boolean; help?: boolean };
  try {
    values = parseArgs({ options }).values;
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${USAGE}`);
    return 2;
  }
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  if (values.local) {
    return runOnLocalCloud(
      'doctor.ts',
      process.argv.slice(2).filter(arg => arg !== '--local'),
    );
  }
  const file = process.env[CONTROL_VARIABLE] === undefined ? await readLocalSettings(ROOT) : {};
  const env = { ...file, ...defined(process.env) };
  const findings = await lookAround(env, values.mailbox);
  if (findings === undefined) {
    console.error(`No sender has the mailbox ${values.mailbox}.`);
    return 2;
  }
  const verdict = worstOf(findings);
  console.log(values.json ? JSON.stringify({ verdict, findings }, undefined, 2) : renderFindings(findings));
  return verdict === 'failed' ? 1 : 0;
}

function defined(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

process.exitCode = await main();
