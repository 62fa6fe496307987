import { randomBytes } from 'node:crypto';
import type { HttpFunction } from './route-table.ts';

/** Access keys of one host. */
export type HostKeys = {
  /** Opens everything, /admin too. */
  master: string;
  /** The `default` host key: opens every function of level `function`. */
  host: string;
  /** Function name → its own key. */
  functions: Record<string, string>;
};

/**
 * Makes keys, fresh at every start unless LOCAL_HOST_KEY (host key) or LOCAL_HOST_MASTER_KEY are set.
 */
export function createKeys(functionNames: string[], env: NodeJS.ProcessEnv): HostKeys {
  const random = () => randomBytes(40).toString('base64url');
  return {
    host: env['LOCAL_HOST_KEY'] || random(),
    master: env['LOCAL_HOST_MASTER_KEY'] || random(),
    functions: Object.fromEntries(functionNames.map(name => [name, random()])),
  };
}

/**
 * Takes the key out of a request: the `x-functions-key` header, else `?code=`.
 * https://learn.microsoft.com/azure/azure-functions/function-keys-how-to#use-access-keys
 */
export function readKey(headers: NodeJS.Dict<string | string[]>, query: URLSearchParams): string | undefined {
  const header = headers['x-functions-key'];
  return (typeof header === 'string' && header) || query.get('code') || undefined;
}

/** @param keys undefined = the host does not ask for keys, like `func start`. */
export function mayCall(fn: HttpFunction, key: string | undefined, keys: HostKeys | undefined): boolean {
  if (!keys || fn.authLevel === 'anonymous') return true;
  if (key === undefined) return false;
  if (key === keys.master) return true;
  return fn.authLevel === 'function' && (key === keys.host || key === keys.functions[fn.info.name]);
}

export function mayAdminister(key: string | undefined, keys: HostKeys | undefined): boolean {
  return !keys || key === keys.master;
}
