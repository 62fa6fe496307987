import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { startHost } from '../../local/host/start-host.ts';
import { serve } from './serve.ts';

/**
 * A host in a process of its own. Unlike local/host/main.ts it can give app and host different addresses of the same
 * storage, so that a proxy between counts the app's calls alone; run chosen functions only; and tell what it loaded.
 */
export interface HostArguments {
  readonly root: string;
  /** Where host and triggers find storage; the app reads AzureWebJobsStorage. */
  readonly hostStorage: string;
  /** Functions that run; the others are loaded and disabled. */
  readonly functions: readonly string[];
  /** Lets the app's clock show this minute of the present hour. */
  readonly minuteOfHour?: number;
}

const loaded: string[] = [];
let host: Awaited<ReturnType<typeof startHost>> | undefined;

serve({
  async start({ root, hostStorage, functions, minuteOfHour }: HostArguments): Promise<string> {
    if (minuteOfHour !== undefined) shiftClock(minuteOfHour);
    process.chdir(root);
    const env = onlyThese(functions, { ...process.env, AzureWebJobsStorage: hostStorage });
    host = await startHost({
      root,
      env,
      // Information lines go to nobody: writing them out is the host's part, and on Azure another process's.
      log: ({ level, message }) => {
        if (level === 'error' || level === 'critical') process.stderr.write(`${message}\n`);
      },
    });
    return host.url;
  },
  /** Runs a timer function and waits for its end. */
  run: (name: string) => host?.trigger(name),
  recordLoads() {
    registerHooks({
      load(url, context, next) {
        loaded.push(url);
        return next(url, context);
      },
    });
  },
  loaded: () => loaded,
  /** CPU time of this process so far. */
  cpuMs(): number {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  },
  /** The most memory that was resident at one time, in bytes (Linux: VmHWM, which the kernel keeps). */
  peakBytes(): number {
    const found = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
    return found === undefined ? process.resourceUsage().maxRSS * 1024 : Number(found) * 1024;
  },
});

/** Settings in which every function but these is disabled, whatever functions the app turns out to have. */
function onlyThese(functions: readonly string[], env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return new Proxy(env, {
    get(target, name) {
      const asked = /^AzureWebJobs\.(.+)\.Disabled$/.exec(String(name))?.[1];
      return asked === undefined ? Reflect.get(target, name) : String(!functions.includes(asked));
    },
  });
}

/** Only `Date.now` moves: the SDKs date their requests by `new Date()`, and storage would refuse another time. */
function shiftClock(minuteOfHour: number): void {
  const shiftMs = (minuteOfHour - new Date().getUTCMinutes()) * 60_000;
  const now = Date.now.bind(Date);
  Date.now = () => now() + shiftMs;
}
