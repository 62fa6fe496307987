import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { readLocalSettings } from '../local/cloud/read-local-settings.ts';
import { startM365 } from '../local/m365/start-m365.ts';
import { worstOf } from '../shared/domain/finding.ts';
import { lookAround } from './doctor-look.ts';
import { renderFindings } from './doctor-report.ts';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const USAGE = `Looks at everything between the settings and a mail that could be sent, and says how to mend what is wrong. Sends nothing.

  npm run doctor                                  with the environment and local.settings.json
  npm run doctor -- --mailbox billing@contoso.com only this mailbox
  npm run doctor -- --json                        for programs
  npm run doctor -- --local                       against stand-ins on this machine: what a healthy report looks like

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
  if (values.local) return onLocalCloud();
  const env = { ...(await readLocalSettings(ROOT)), ...defined(process.env) };
  const findings = await lookAround(env, values.mailbox);
  if (findings === undefined) {
    console.error(`No sender has the mailbox ${values.mailbox}.`);
    return 2;
  }
  const verdict = worstOf(findings);
  console.log(values.json ? JSON.stringify({ verdict, findings }, undefined, 2) : renderFindings(findings));
  return verdict === 'failed' ? 1 : 0;
}

/** Node reads additional authorities at its start, so the look happens in a process of its own. */
async function onLocalCloud(): Promise<number> {
  const m365 = await startM365({ stateDir: new URL('../.local', import.meta.url).pathname });
  try {
    const args = process.argv.slice(2).filter(arg => arg !== '--local');
    const child = spawn(process.execPath, [fileURLToPath(import.meta.url), ...args], {
      stdio: 'inherit',
      env: { PATH: process.env['PATH'], ...m365.settings, EXOSEND_DOCTOR_LOCAL: '1' },
    });
    return await new Promise(resolve => child.once('exit', code => resolve(code ?? 1)));
  } finally {
    await m365.close();
  }
}

function defined(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

process.exitCode = await main();
