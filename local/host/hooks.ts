import { type AppContext, type HookCallback, type HookName, hookNames } from './app-context.ts';
import { disposable, systemError } from './worker-errors.ts';

/**
 * Adds a hook; hooks of one name run in the order of registration.
 * @returns a Disposable that removes it again.
 * @throws RangeError (system) for a name the worker does not know; the library relies on that to detect old hosts.
 */
export function registerHook(app: AppContext, name: string, callback: HookCallback): { dispose: () => void } {
  if (!hookNames.some(known => known === name)) throw systemError(RangeError, `Unrecognized hook "${name}"`);
  const hooks = app.hooks[name as HookName];
  hooks.push(callback);
  return disposable(() => {
    const index = hooks.indexOf(callback);
    if (index >= 0) hooks.splice(index, 1);
  });
}

/** Awaits the hooks one after the other; the first that throws ends the series and the error goes to the caller. */
export async function executeHooks(app: AppContext, name: HookName, context: object): Promise<void> {
  for (const callback of app.hooks[name]) await callback(context);
}

/**
 * Builds what a hook is given: `fields` may be read and written, `fixed` may only be read.
 * @throws TypeError (system) from the setters of fixed members.
 */
export function hookContext<T extends object>(fields: T, fixed: Record<string, unknown>): T {
  for (const [name, value] of Object.entries(fixed)) {
    Object.defineProperty(fields, name, {
      enumerable: true,
      get: () => value,
      set: () => {
        throw systemError(TypeError, `Cannot assign to read only property '${name}'`);
      },
    });
  }
  return fields;
}
