import Module from 'node:module';
import { currentApp, type HookCallback } from './app-context.ts';
import { registerHook } from './hooks.ts';
import type { FunctionCallback, FunctionMetadata, LogCategory, LogLevel, ProgrammingModel } from './rpc-types.ts';
import { Disposable, disposable, systemError } from './worker-errors.ts';
import { writeLog } from './write-log.ts';

/** Versions this host says it is, as of the tools of August 2026. The library asks for >= 4.28 to stream HTTP. */
export const hostVersion = '4.1052.100';
const workerVersion = '3.14.1';

/**
 * Adds a function to the app that is loading.
 * @returns a Disposable that takes it back, during start-up only.
 * @throws Error (system) after start-up and for a name that is taken.
 */
function registerFunction(metadata: FunctionMetadata, callback: FunctionCallback): Disposable {
  const app = currentApp();
  if (app.locked) throw systemError(Error, 'A function can only be registered during app startup.');
  const id = metadata.functionId || metadata.name;
  if (app.functions.has(id)) {
    throw systemError(Error, `A function with id "${id}" has already been registered.`);
  }
  app.functions.set(id, { metadata: { ...metadata, functionId: id }, callback });
  return disposable(() => {
    if (app.locked) throw systemError(Error, 'A function can only be disposed during app startup.');
    app.functions.delete(id);
  });
}

const coreApi = {
  version: workerVersion,
  hostVersion,
  registerFunction,
  registerHook: (name: string, callback: HookCallback) => registerHook(currentApp(), name, callback),
  setProgrammingModel: (model: ProgrammingModel) => {
    currentApp().programmingModel = model;
  },
  getProgrammingModel: () => currentApp().programmingModel,
  log: (level: LogLevel, category: LogCategory, message: string) =>
    writeLog(currentApp(), { level, category, message }),
  Disposable,
};

let installed = false;

/**
 * Makes `require('@azure/functions-core')` answer with the worker's API, everywhere in this process. No package of
 * that name exists; the real worker replaces `Module.prototype.require` the same way, so bundles that go through
 * `createRequire` are served too.
 */
export function installCoreApi(): void {
  if (installed) return;
  installed = true;
  Module.prototype.require = new Proxy(Module.prototype.require, {
    apply: (target, self, args) => (args[0] === '@azure/functions-core' ? coreApi : Reflect.apply(target, self, args)),
  });
}
