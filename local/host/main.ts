import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { createConsoleSink } from './log.ts';
import { startHost } from './start-host.ts';
import { toError } from './worker-errors.ts';

const usage = 'Usage: node local/host/main.ts --root <app folder> [--port 7071] [--keys] [--verbose]';

/**
 * Starts a host by command line. Prints one JSON line `{"event":"host.ready",…}` on stdout, then the app's log lines.
 * Ends with code 0 on SIGTERM or SIGINT, 1 when it cannot start or the app throws where nothing catches it.
 */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      root: { type: 'string' },
      port: { type: 'string', default: '7071' },
      keys: { type: 'boolean', default: false },
      verbose: { type: 'boolean', default: false },
    },
  });
  const port = Number(values.port);
  if (!values.root || !Number.isInteger(port) || port < 0 || port > 65_535) throw new Error(usage);
  const root = resolve(values.root);
  process.env['FUNCTIONS_WORKER_RUNTIME'] ??= 'node';
  process.env['AZURE_FUNCTIONS_ENVIRONMENT'] ??= 'Development';
  process.env['WEBSITE_HOSTNAME'] ??= `localhost:${port}`;
  if (existsSync(root)) process.chdir(root);

  // The worker process of the real host ends the same way; there it is started anew at once.
  process.on('uncaughtException', error => fail(`Worker uncaught exception: ${toError(error).stack}`));
  const host = await startHost({ root, port, keys: values.keys, log: createConsoleSink(values.verbose) });
  const { url, functions, keys } = host;
  process.stdout.write(`${JSON.stringify({ event: 'host.ready', url, functions, ...(keys ? { keys } : {}) })}\n`);

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      host.close().then(
        () => process.exit(0),
        error => fail(`Shutdown failed: ${toError(error).stack}`),
      );
    });
  }
}

function fail(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

await main().catch(error => fail(toError(error).message));
