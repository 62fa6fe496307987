import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { FunctionSummary } from '../host/function-info.ts';
import type { HostKeys } from '../host/http/keys.ts';
import { endWithParent } from './end-with-parent.ts';
import type { LineFeed } from './line-feed.ts';

interface HostProcessOptions {
  /** Folder of the app: host.json, package.json and what its `main` names. */
  root: string;
  /** 0 (default): a free one. */
  port?: number;
  /** Ask for access keys, as in Azure. Default: no. */
  keys?: boolean;
  /** The whole environment of the process; see `hostEnvironment`. */
  env: Record<string, string>;
  /** Where its lines go, stdout and stderr. */
  lines: LineFeed;
}

export interface HostProcess {
  /** `http://127.0.0.1:<port>` */
  url: string;
  port: number;
  pid: number;
  functions: FunctionSummary[];
  /** Only with `keys`. */
  keys?: HostKeys;
  /** Resolves when the process ends, asked or not. */
  ended: Promise<HostEnd>;
  /** Sends the signal (default SIGKILL) and waits for the end. */
  kill(signal?: NodeJS.Signals): Promise<HostEnd>;
  /** SIGTERM, and SIGKILL when it takes longer than 15 s. */
  stop(): Promise<HostEnd>;
}

export interface HostEnd {
  code: number | null;
  signal: NodeJS.Signals | null;
}

const MAIN = fileURLToPath(new URL('../host/main.ts', import.meta.url));
const START_LIMIT_MS = 60_000;
const STOP_LIMIT_MS = 15_000;

/**
 * Starts a host in a process of its own, so that NODE_EXTRA_CA_CERTS is there when Node reads it: at its start. Several
 * may run on one storage account, each on its own port.
 * @throws Error with its output when it ends before it is ready, or is not ready within a minute.
 */
export async function startHostProcess(options: HostProcessOptions): Promise<HostProcess> {
  const args = [MAIN, '--root', options.root, '--port', String(options.port ?? 0), ...(options.keys ? ['--keys'] : [])];
  // With nobody left to serve it has nothing to finish: the mail server it talks to went with us.
  const child = spawn(process.execPath, [...endWithParent(100), ...args], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    detached: true,
    env: options.env,
  });
  // 'close' comes after the last output; 'exit' may come before it.
  const ended = once(child, 'close').then(
    ([code, signal]): HostEnd => ({ code, signal }),
    (): HostEnd => ({ code: 1, signal: null }),
  );
  const timer = setTimeout(() => child.kill('SIGKILL'), START_LIMIT_MS);
  const ready = await readyLine(child, options.lines, ended).finally(() => clearTimeout(timer));
  const end = (signal: NodeJS.Signals): Promise<HostEnd> => {
    child.kill(signal);
    return ended;
  };
  return {
    ...ready,
    port: Number(new URL(ready.url).port),
    pid: child.pid ?? 0,
    ended,
    kill: (signal = 'SIGKILL') => end(signal),
    async stop() {
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
      const result = await end('SIGTERM');
      clearTimeout(timer);
      return result;
    },
  };
}

type Ready = Pick<HostProcess, 'url' | 'functions' | 'keys'>;

function readyLine(child: ChildProcess, lines: LineFeed, ended: Promise<HostEnd>): Promise<Ready> {
  return new Promise((resolve, reject) => {
    const output: string[] = [];
    let isReady = false;
    const take = (line: string): void => {
      if (!isReady) {
        output.push(line);
        if (line.startsWith('{"event":"host.ready"')) {
          isReady = true;
          const { url, functions, keys } = JSON.parse(line) as Ready;
          resolve({ url, functions, ...(keys ? { keys } : {}) });
          return;
        }
      }
      lines.add(line);
    };
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', take);
    createInterface({ input: child.stderr as NodeJS.ReadableStream }).on('line', take);
    child.once('error', reject);
    void ended.then(({ code, signal }) =>
      reject(new Error(`The host ended before it was ready (${signal ?? `code ${code}`}).\n${output.join('\n')}`)),
    );
  });
}
