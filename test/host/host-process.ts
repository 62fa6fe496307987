import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../../local/host/main.ts', import.meta.url));

/** Folder of a fixture app. */
export function fixture(name: string): string {
  return fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));
}

export type HostProcess = {
  url: string;
  child: ChildProcess;
  /** Lines of stdout after the ready line, as they come. */
  lines: string[];
  stderr: () => string;
  /** Ends the process and gives its exit code. */
  stop: (signal?: NodeJS.Signals) => Promise<number | null>;
};

/**
 * Starts a host in a process of its own, by its command line, on a free port.
 * @param env all there is, beside PATH.
 * @throws Error with the output when it ends before it is ready.
 */
export async function spawnHost(
  app: string,
  env: Record<string, string> = {},
  flags: string[] = [],
): Promise<HostProcess> {
  const child = spawn(process.execPath, [main, '--root', fixture(app), '--port', '0', ...flags], {
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = once(child, 'exit');
  const lines: string[] = [];
  let stderr = '';
  child.stderr.on('data', chunk => (stderr += chunk));
  const ready = Promise.withResolvers<string>();
  let rest = '';
  child.stdout.on('data', chunk => {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop() ?? '';
    for (const line of parts) {
      if (line.includes('"event":"host.ready"')) ready.resolve((JSON.parse(line) as { url: string }).url);
      else lines.push(line);
    }
  });
  void exited.then(() =>
    ready.reject(new Error(`The host ended before it was ready.\n${lines.join('\n')}\n${stderr}`)),
  );
  const stop = async (signal: NodeJS.Signals = 'SIGTERM') => {
    child.kill(signal);
    const [code] = await exited;
    return code as number | null;
  };
  return { url: await ready.promise, child, lines, stderr: () => stderr, stop };
}

/** Waits until `check` gives something, polling; fails after 10 s. */
export async function until<T>(
  what: string,
  check: () => T | undefined | false | Promise<T | undefined | false>,
): Promise<T> {
  const deadline = Date.now() + 10_000;
  for (;;) {
    const value = await check();
    if (value !== undefined && value !== false) return value;
    if (Date.now() > deadline) throw new Error(`Waited 10 s for: ${what}`);
    await new Promise(resolve => setTimeout(resolve, 20));
  }
}
