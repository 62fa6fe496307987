import { AsyncLocalStorage } from 'node:async_hooks';
import type { LogSink } from './log.ts';
import type { FunctionCallback, FunctionMetadata, ProgrammingModel } from './rpc-types.ts';

export const hookNames = ['preInvocation', 'postInvocation', 'appStart', 'appTerminate', 'log'] as const;
export type HookName = (typeof hookNames)[number];
export type HookCallback = (context: object) => unknown;

export type RegisteredFunction = { metadata: FunctionMetadata; callback: FunctionCallback };

/** Everything one loaded app has told the worker, and the state it shares between its hooks. */
export type AppContext = {
  /** Absolute folder of the app (host.json, package.json). */
  root: string;
  functions: Map<string, RegisteredFunction>;
  hooks: Record<HookName, HookCallback[]>;
  programmingModel: ProgrammingModel | undefined;
  /** True once start-up is over: registering a function is then an error. */
  locked: boolean;
  /** Seen by hooks of every scope. */
  appHookData: Record<string, unknown>;
  /** Seen by appStart, appTerminate and log hooks only. */
  appLevelHookData: Record<string, unknown>;
  log: LogSink;
};

/** @returns an empty context for the app in `root`, writing its lines to `log`. */
export function createAppContext(root: string, log: LogSink): AppContext {
  return {
    root,
    functions: new Map(),
    hooks: { preInvocation: [], postInvocation: [], appStart: [], appTerminate: [], log: [] },
    programmingModel: latest?.programmingModel,
    locked: false,
    appHookData: {},
    appLevelHookData: {},
    log,
  };
}

// The library asks for the worker's API once and keeps it for the life of the process, so the API object has to find
// out by itself which app is calling. Calls come from the load of the app or from an invocation: both run inside `run`.
const storage = new AsyncLocalStorage<AppContext>();
let latest: AppContext | undefined;

/** Runs `work` (and what it starts) on behalf of `app`. */
export function runInApp<T>(app: AppContext, work: () => T): T {
  latest = app;
  return storage.run(app, work);
}

/**
 * @returns the app on whose behalf the current code runs; outside of any, the one started last.
 * @throws Error when no app has been started in this process.
 */
export function currentApp(): AppContext {
  const app = storage.getStore() ?? latest;
  if (!app) throw new Error('No function app is being run by this process.');
  return app;
}
