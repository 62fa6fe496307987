import { type FunctionInfo, type FunctionSummary, isTriggeredBy } from '../function-info.ts';
import type { HostConfig } from '../host-config.ts';
import type { HostTimes } from '../host-options.ts';
import type { InvocationRunner } from '../invocation-runner.ts';
import { isDisabled, type Settings } from '../settings.ts';
import { serveClassicCall } from './classic-call.ts';
import type { HttpFront } from './http-server.ts';
import type { HostKeys } from './keys.ts';
import { createRouteTable, type HttpFunction, toHttpFunction } from './route-table.ts';
import { compileRoute } from './route-template.ts';
import { createStreamProxy } from './stream-call.ts';

export type FrontDeps = {
  /** As the app's library gave them: `HttpUri` switches streaming on. */
  capabilities: Record<string, string>;
  config: HostConfig;
  times: HostTimes;
  settings: Settings;
  runner: InvocationRunner;
  keys: HostKeys | undefined;
};

/** Puts together all that answers HTTP requests, but for the admin part. */
export function createHttpFront(infos: FunctionInfo[], deps: FrontDeps) {
  const { capabilities, config, times, settings, runner, keys } = deps;
  const errors = new Map<string, string>();
  const summaries = new Map<string, FunctionSummary>();
  const functions: HttpFunction[] = [];
  for (const info of infos) {
    const base = { name: info.name, trigger: info.trigger.type, isDisabled: isDisabled(info.name, settings) };
    summaries.set(info.name, base);
    if (!isTriggeredBy(info, 'httpTrigger')) continue;
    try {
      const fn = toHttpFunction(info, config.routePrefix);
      compileRoute(fn.route);
      functions.push(fn);
      summaries.set(info.name, { ...base, route: fn.route, methods: fn.methods, authLevel: fn.authLevel });
    } catch (error) {
      errors.set(info.name, (error as Error).message);
    }
  }
  const proxy = capabilities['HttpUri'] ? createStreamProxy(capabilities['HttpUri'], times.proxyTimeoutMs) : undefined;
  const front: Omit<HttpFront, 'admin'> = {
    findRoute: createRouteTable(functions),
    serveCall: proxy ? proxy.serve : serveClassicCall,
    isDisabled: name => isDisabled(name, settings),
    keys,
    runner,
  };
  return { front, summaries, errors, close: () => proxy?.close() };
}
