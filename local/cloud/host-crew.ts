import type { SettingValues } from './host-environment.ts';
import type { LineFeed } from './line-feed.ts';
import { type HostEnd, type HostProcess, startHostProcess } from './start-host-process.ts';

interface CrewOptions {
  root: string;
  port: number;
  keys: boolean;
  /** Environment of a host, with `extra` laid over it. */
  envOf(extra: SettingValues | undefined): Record<string, string>;
  lines: LineFeed;
}

/** The hosts of a cloud: the first, which may be ended and started anew on its port, and others beside it. */
interface HostCrew {
  first(): HostProcess;
  restart(extra?: SettingValues): Promise<HostProcess>;
  kill(signal?: NodeJS.Signals): Promise<HostEnd>;
  add(options?: { port?: number; keys?: boolean; env?: SettingValues }): Promise<HostProcess>;
  /** Resolves with the reason when the first host ends unasked. */
  broken: Promise<string>;
  close(): Promise<void>;
}

/** Starts the first host. @throws Error with its output when it does not come up. */
export async function startHostCrew(options: CrewOptions): Promise<HostCrew> {
  const { root, envOf, lines } = options;
  const running = new Set<HostProcess>();
  const askedToEnd = new WeakSet<HostProcess>();
  const broken = Promise.withResolvers<string>();
  let isClosed = false;

  const start = async (port: number, keys: boolean, extra?: SettingValues): Promise<HostProcess> => {
    const host = await startHostProcess({ root, port, keys, env: envOf(extra), lines });
    running.add(host);
    void host.ended.then(() => running.delete(host));
    if (isClosed) await host.stop();
    return host;
  };
  const watch = (host: HostProcess): HostProcess => {
    void host.ended.then(({ code, signal }) => {
      if (askedToEnd.has(host)) return;
      const last = lines.list().slice(-20).join('\n');
      broken.resolve(`The host ended by itself (${signal ?? `code ${code}`}). Its last output:\n${last}`);
    });
    return host;
  };

  let first = watch(await start(options.port, options.keys));
  const { port } = first;
  return {
    first: () => first,
    async restart(extra) {
      askedToEnd.add(first);
      await first.stop();
      first = watch(await start(port, options.keys, extra));
      return first;
    },
    kill(signal) {
      askedToEnd.add(first);
      return first.kill(signal);
    },
    add: (more = {}) => start(more.port ?? 0, more.keys ?? options.keys, more.env),
    broken: broken.promise,
    async close() {
      isClosed = true;
      askedToEnd.add(first);
      await Promise.all([...running].map(host => host.stop()));
    },
  };
}
