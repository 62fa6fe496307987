import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { readPort } from '../local/cloud/find-ports.ts';
import { startM365 } from '../local/m365/start-m365.ts';

/** Set for a command that works on the local cloud: where its control API is. */
export const CONTROL_VARIABLE = 'EXOSEND_LOCAL_CONTROL';

interface LocalCloud {
  readonly settings: Readonly<Record<string, string>>;
  readonly controlUrl: string;
  close(): Promise<void>;
}

/**
 * Runs a script of this folder on the local cloud: that of `npm start`, when it runs, else one that lives as long as the command.
 * In a process of its own, since Node reads whom to trust when it starts.
 *
 * @returns its exit code
 */
export async function runOnLocalCloud(script: string, args: readonly string[]): Promise<number> {
  const cloud = (await findRunning()) ?? (await startOwn());
  try {
    const file = fileURLToPath(new URL(script, import.meta.url));
    // Nothing of the shell's: settings of a real tenant would send it there.
    const env = { PATH: process.env['PATH'], ...cloud.settings, [CONTROL_VARIABLE]: cloud.controlUrl };
    const child = spawn(process.execPath, [file, ...args], { env, stdio: 'inherit' });
    return await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', code => resolve(code ?? 1));
    });
  } finally {
    await cloud.close();
  }
}

async function findRunning(): Promise<LocalCloud | undefined> {
  const controlUrl = `http://127.0.0.1:${readPort(process.env['PORT']) + 2}/control`;
  try {
    const response = await fetch(`${controlUrl}/state`, { signal: AbortSignal.timeout(3_000) });
    const { settings } = (await response.json()) as Pick<LocalCloud, 'settings'>;
    return settings['KEY_VAULT_URL'] ? { settings, controlUrl, close: async () => {} } : undefined;
  } catch {
    return undefined;
  }
}

async function startOwn(): Promise<LocalCloud> {
  const m365 = await startM365({ stateDir: fileURLToPath(new URL('../.local', import.meta.url)) });
  console.error('npm start is not running: this works on a local cloud of its own, which ends with the command.\n');
  return { settings: m365.settings, controlUrl: m365.controlUrl, close: () => m365.close() };
}
