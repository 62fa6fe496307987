import type { FunctionInfo } from '../function-info.ts';
import { compileRoute, type RouteParameters } from './route-template.ts';

export type HttpFunction = {
  info: FunctionInfo;
  /** Path without leading slash, with prefix. */
  route: string;
  /** Upper case. */
  methods: string[];
  authLevel: 'anonymous' | 'function' | 'admin';
};

export type RouteMatch = { fn: HttpFunction; parameters: RouteParameters };

/**
 * Describes an HTTP-triggered function: without a route its name is the route.
 * @throws Error for an auth level that does not exist.
 */
export function toHttpFunction(info: FunctionInfo, prefix: string): HttpFunction {
  const { route, methods, authLevel } = info.trigger as { route?: string; methods?: string[]; authLevel?: string };
  const level = (authLevel ?? 'function').toLowerCase();
  if (level !== 'anonymous' && level !== 'function' && level !== 'admin') {
    throw new Error(`Auth level '${authLevel}' is not one of anonymous, function, admin.`);
  }
  return {
    info,
    route: [prefix, (route || info.name).replace(/^\//, '')].filter(part => part !== '').join('/'),
    methods: (methods ?? []).map(method => method.toUpperCase()),
    authLevel: level,
  };
}

/**
 * Builds the look-up of the app's routes. Functions are tried in the order of their names and the first match wins, so
 * a catch-all can hide a literal route; a method that is not registered is no match, hence 404 and never 405. Both as
 * the real host does it (FunctionMetadataManager sorts, HttpMethodRouteConstraint filters).
 * @throws Error for a template that cannot be compiled.
 */
export function createRouteTable(functions: HttpFunction[]): (method: string, path: string) => RouteMatch | undefined {
  const entries = functions
    .toSorted((a, b) => (a.info.name.toUpperCase() < b.info.name.toUpperCase() ? -1 : 1))
    .map(fn => ({ fn, match: compileRoute(fn.route) }));
  return (method, path) => {
    for (const { fn, match } of entries) {
      if (fn.methods.length > 0 && !fn.methods.includes(method)) continue;
      const parameters = match(path);
      if (parameters) return { fn, parameters };
    }
    return undefined;
  };
}
