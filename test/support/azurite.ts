import { type ChildProcess, spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { createInterface } from 'node:readline';

/** A running Azurite with the blob, queue and table services on free ports of 127.0.0.1. */
export type Azurite = {
  /** Storage connection string that names all three services; good for `AzureWebJobsStorage`. */
  connectionString: string;
  /** Stops the process; resolves when it is gone. */
  close: () => Promise<void>;
};

// The well-known development account of Azurite, not a secret:
// https://learn.microsoft.com/azure/storage/common/storage-use-azurite#well-known-storage-account-and-key
const account = 'devstoreaccount1';
const accountKey = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';

// Azurite does not notice when its parent dies; the IPC channel does, so a killed test run leaves no server behind.
const exitWithParent = 'data:text/javascript,process.on("disconnect",()=>process.exit(0))';

const services = { Blob: 'BlobEndpoint', Queue: 'QueueEndpoint', Table: 'TableEndpoint' } as const;
type Service = keyof typeof services;

/**
 * Starts Azurite in a child process, in memory, each service on a port the system picks (port 0; Azurite prints the
 * real one). Takes about a second.
 * @returns connection string and a `close` that must be called.
 * @throws Error with Azurite's own output when it does not come up within 20 s.
 */
export async function startAzurite(): Promise<Azurite> {
  const entry = createRequire(import.meta.url).resolve('azurite/dist/src/azurite.js');
  const ports = ['blob', 'queue', 'table'].flatMap(name => [`--${name}Host`, '127.0.0.1', `--${name}Port`, '0']);
  const flags = ['--inMemoryPersistence', '--silent', '--skipApiVersionCheck', '--disableTelemetry'];
  const child = spawn(process.execPath, ['--import', exitWithParent, entry, ...flags, ...ports], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    cwd: tmpdir(), // its default location
    env: { PATH: process.env['PATH'] ?? '' },
  });
  child.channel?.unref();
  const endpoints = await readEndpoints(child).catch(async error => {
    await stop(child);
    throw error;
  });
  const parts = Object.entries(services).map(([name, key]) => `${key}=${endpoints[name as Service]}/${account};`);
  return {
    connectionString: `DefaultEndpointsProtocol=http;AccountName=${account};AccountKey=${accountKey};${parts.join('')}`,
    close: () => stop(child),
  };
}

/** Waits for the three "successfully listening" lines and takes the addresses from them. */
function readEndpoints(child: ChildProcess): Promise<Record<Service, string>> {
  return new Promise((resolve, reject) => {
    const found: Partial<Record<Service, string>> = {};
    const output: string[] = [];
    const fail = (why: string) => reject(new Error(`Azurite did not start: ${why}\n${output.join('\n')}`));
    const timer = setTimeout(() => fail('no answer within 20 s'), 20_000);
    child.once('error', error => fail(error.message));
    child.once('exit', code => fail(`exit code ${code}`));
    child.stderr?.on('data', chunk => output.push(String(chunk)));
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', line => {
      output.push(line);
      const match = /Azurite (Blob|Queue|Table) service is successfully listening at (\S+)/.exec(line);
      if (match) found[match[1] as Service] = match[2] as string;
      if (found.Blob && found.Queue && found.Table) {
        clearTimeout(timer);
        resolve(found as Record<Service, string>);
      }
    });
  });
}

function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise(resolve => {
    child.once('exit', () => resolve());
    // State is in memory only, so there is nothing to flush: the quick way is safe.
    child.kill('SIGKILL');
  });
}
