import { resolve } from 'node:path';
import { createAppContext } from './app-context.ts';
import { captureServers } from './capture-servers.ts';
import { readHostConfig } from './host-config.ts';
import { type HostOptions, hostIdOf, readTimes } from './host-options.ts';
import { type HttpFront, listen } from './http/http-server.ts';
import { createInvocationRunner } from './invocation-runner.ts';
import { loadApp } from './load-app.ts';
import { createConsoleSink, isUserLineEnabled, type LogSink } from './log.ts';
import { type RunningApp, startFunctions } from './start-functions.ts';

/** A running host. */
export type Host = Pick<RunningApp, 'functions' | 'keys' | 'trigger'> & {
  /** `http://127.0.0.1:<port>` */
  url: string;
  /** Stops listening, lets running invocations finish within the grace, runs the appTerminate hooks. */
  close: () => Promise<void>;
};

/**
 * Starts a function app as `func start` does: loads it and serves its HTTP, queue and timer triggers. Several hosts may
 * run on one storage account in several processes. In one process, an app that is bundled can be started again after
 * `close`; one that imports @azure/functions from node_modules cannot call `app.setup` a second time.
 * @throws Error when the port is taken, host.json cannot be used, or the app fails to load.
 */
export async function startHost(options: HostOptions): Promise<Host> {
  const root = resolve(options.root);
  const settings = options.env ?? process.env;
  const times = readTimes(settings);
  const config = await readHostConfig(root, settings);
  const app = createAppContext(root, filterUserLines(options.log ?? createConsoleSink(false), config.logLevel));
  const runner = createInvocationRunner(app, config.functionTimeoutMs);

  const front = Promise.withResolvers<HttpFront>();
  front.promise.catch(() => {}); // requests that wait get 503
  const { server, url } = await listen(options.port ?? 0, front.promise);
  const opened = [server];
  const closeServers = () => {
    for (const each of opened) {
      each.close();
      each.closeAllConnections?.();
    }
  };
  try {
    const { result: capabilities, servers } = await captureServers(() => loadApp(app));
    opened.push(...servers);
    const hostId = hostIdOf(root, settings);
    const deps = { capabilities, config, times, settings, runner, hostId, withKeys: options.keys === true, url };
    const running = await startFunctions(app, deps);
    front.resolve(running.front);
    let closing: Promise<void> | undefined;
    const close = async (): Promise<void> => {
      server.close();
      server.closeIdleConnections();
      await running.stop();
      closeServers();
    };
    return { ...running, url, close: () => (closing ??= close()) };
  } catch (error) {
    front.reject(error);
    closeServers();
    throw error;
  }
}

function filterUserLines(sink: LogSink, logLevel: Record<string, string>): LogSink {
  return entry => {
    if (entry.category !== 'user' || isUserLineEnabled(entry, logLevel)) sink(entry);
  };
}
