import { type AppContext, runInApp } from './app-context.ts';
import { type FunctionInfo, type FunctionSummary, toFunctionInfo } from './function-info.ts';
import { executeHooks, hookContext } from './hooks.ts';
import { createHttpFront, type FrontDeps } from './http/http-front.ts';
import type { HttpFront } from './http/http-server.ts';
import { createKeys, type HostKeys } from './http/keys.ts';
import { settledWithin } from './invocation-runner.ts';
import { startTriggers, type TriggerDeps } from './start-triggers.ts';

export type RunningApp = {
  functions: FunctionSummary[];
  /** undefined when the host does not ask for keys. */
  keys: HostKeys | undefined;
  front: HttpFront;
  /** Runs a queue function (input = message text) or a timer function now. @throws what the run threw. */
  trigger: (name: string, input?: string) => Promise<void>;
  /** Stops the listeners, waits for what runs within the grace, runs the appTerminate hooks. */
  stop: () => Promise<void>;
};

type RunningAppDeps = Omit<FrontDeps, 'keys'> & TriggerDeps & { withKeys: boolean; url: string };

/** How long the real host waits for the worker's end once it has told it (`WorkerTerminateGracePeriodInSeconds`). */
const TERMINATE_GRACE_MS = 5_000;

/** Starts all functions of a loaded app. One that cannot be started is listed with its error; the others run. */
export async function startFunctions(app: AppContext, deps: RunningAppDeps): Promise<RunningApp> {
  const { runner, times, settings } = deps;
  const { infos, errors } = indexFunctions(app);
  const names = infos.map(info => info.name);
  const keys = deps.withKeys ? createKeys(names, settings) : undefined;
  const http = createHttpFront(infos, { ...deps, keys });
  const triggers = await startTriggers(infos, deps);
  for (const [name, why] of [...http.errors, ...triggers.errors]) errors.set(name, why);
  for (const [name, why] of errors) runner.log('error', `The '${name}' function is in error: ${why}`);
  const functions = [...app.functions.values()].map(({ metadata: { name } }): FunctionSummary => {
    const error = errors.get(name);
    const summary = http.summaries.get(name) ?? { name, trigger: '' };
    return error === undefined ? summary : { ...summary, error };
  });
  if (functions.length === 0) runner.log('warning', 'No job functions found: the app has registered none.');

  const find = (name: string): FunctionInfo | undefined =>
    infos.find(info => info.name.toLowerCase() === name.toLowerCase() && !errors.has(info.name));
  const trigger = async (name: string, input = ''): Promise<void> => {
    const info = find(name);
    if (!info) throw new Error(`There is no function '${name}' that can run.`);
    await triggers.runNow(info, input);
  };
  const start = (name: string, input: string | undefined): boolean => {
    void trigger(name, input).catch(() => {}); // already logged
    return find(name) !== undefined;
  };
  const stop = async (): Promise<void> => {
    await settledWithin([triggers.stop(), runner.drain(times.graceMs)], times.graceMs);
    const context = hookContext({}, { hookData: app.appLevelHookData, appHookData: app.appHookData });
    const hooks = runInApp(app, () => executeHooks(app, 'appTerminate', context));
    hooks.catch(error => runner.log('error', `An appTerminate hook failed: ${error}`));
    await settledWithin([hooks], TERMINATE_GRACE_MS);
    http.close();
  };
  const admin = { functions: () => functions, url: () => deps.url, start };
  return { functions, keys, front: { ...http.front, admin }, trigger, stop };
}

function indexFunctions(app: AppContext): { infos: FunctionInfo[]; errors: Map<string, string> } {
  const infos: FunctionInfo[] = [];
  const errors = new Map<string, string>();
  for (const registered of app.functions.values()) {
    try {
      infos.push(toFunctionInfo(registered));
    } catch (error) {
      errors.set(registered.metadata.name, (error as Error).message);
    }
  }
  return { infos, errors };
}
