import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { endWithParent } from './end-with-parent.ts';

export interface AzuriteOptions {
  /** Where data is kept; without it, in memory only. */
  folder?: string;
  /** Blob, queue and table, in this order; default: free ones. */
  ports?: readonly [number, number, number];
}

export interface Azurite {
  /** Names all three services; good for `AzureWebJobsStorage`. */
  connectionString: string;
  /** Resolves with its last output when the process ends, asked or not. */
  ended: Promise<string>;
  /** Ends the process; resolves when it is gone and its data is written. */
  close(): Promise<void>;
}

// The published account of every storage emulator, not a secret:
// https://learn.microsoft.com/azure/storage/common/storage-use-azurite#well-known-storage-account-and-key
const ACCOUNT = 'devstoreaccount1';
const ACCOUNT_KEY = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';

const SERVICES = ['Blob', 'Queue', 'Table'] as const;
const START_LIMIT_MS = 30_000;
const STOP_LIMIT_MS = 4_000;

/**
 * Starts Azurite in a child process on 127.0.0.1, in memory and on free ports unless told otherwise. Takes about a second.
 * @throws Error with Azurite's own output when it does not come up within 30 s.
 */
export async function startAzurite({ folder, ports = [0, 0, 0] }: AzuriteOptions = {}): Promise<Azurite> {
  if (folder) await mkdir(folder, { recursive: true });
  const entry = createRequire(import.meta.url).resolve('azurite/dist/src/azurite.js');
  const flags = ['--silent', '--skipApiVersionCheck', '--disableTelemetry'];
  flags.push(...(folder ? ['--location', folder] : ['--inMemoryPersistence']));
  SERVICES.forEach((service, index) => {
    const name = service.toLowerCase();
    flags.push(`--${name}Host`, '127.0.0.1', `--${name}Port`, String(ports[index]));
  });
  const child = spawn(process.execPath, [...endWithParent(STOP_LIMIT_MS - 1000), entry, ...flags], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    // A group of its own: Ctrl-C reaches us only, and the host still has its storage while it finishes.
    detached: true,
    cwd: folder ?? tmpdir(),
    env: { PATH: process.env['PATH'] ?? '' },
  });
  const output: string[] = [];
  const keep = (line: string): void => void (output.push(line) > 40 && output.shift());
  createInterface({ input: child.stderr as NodeJS.ReadableStream }).on('line', keep);
  // Not 'close', which does not come for a child whose channel we have closed. Its last output gets a moment to be read.
  const ended = once(child, 'exit').then(
    async ([code, signal]) => {
      await sleep(20);
      return `Azurite ended (${signal ?? `code ${code}`}).\n${output.join('\n')}`;
    },
    (error: Error) => `Azurite could not be run: ${error.message}`,
  );
  try {
    const endpoints = await readEndpoints(child, keep, ended);
    const parts = SERVICES.map(name => `${name}Endpoint=${endpoints.get(name)}/${ACCOUNT};`).join('');
    const connectionString = `DefaultEndpointsProtocol=http;AccountName=${ACCOUNT};AccountKey=${ACCOUNT_KEY};${parts}`;
    return { connectionString, ended, close: () => stop(child, ended, folder !== undefined) };
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
}

/** Waits for the three "successfully listening" lines and takes the addresses from them. */
function readEndpoints(
  child: ChildProcess,
  keep: (line: string) => void,
  ended: Promise<string>,
): Promise<Map<string, string>> {
  return new Promise((resolve, reject) => {
    const found = new Map<string, string>();
    const timer = setTimeout(() => reject(new Error('Azurite did not start within 30 s.')), START_LIMIT_MS);
    void ended.then(why => {
      clearTimeout(timer);
      reject(new Error(why));
    });
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', line => {
      keep(line);
      const match = /Azurite (Blob|Queue|Table) service is successfully listening at (\S+)/.exec(line);
      if (match) found.set(match[1] as string, match[2] as string);
      if (found.size === SERVICES.length) {
        clearTimeout(timer);
        resolve(found);
      }
    });
  });
}

async function stop(child: ChildProcess, ended: Promise<string>, hasData: boolean): Promise<void> {
  // With data on disk it is told politely (closing the channel is its SIGTERM) and writes what it still holds.
  if (hasData && child.connected) child.disconnect();
  else child.kill('SIGKILL');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
  await ended;
  clearTimeout(timer);
}
