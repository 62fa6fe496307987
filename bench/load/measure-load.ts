import Module from 'node:module';
import { pathToFileURL } from 'node:url';
import { serve } from '../support/serve.ts';

/** Loads either side in this process, which is new for each measurement. */
serve({
  /** ms until every module is there. */
  async load(specifiers: readonly string[]): Promise<number> {
    answerForTheWorker();
    const begun = performance.now();
    for (const specifier of specifiers)
      await import(specifier.startsWith('/') ? pathToFileURL(specifier).href : specifier);
    return performance.now() - begun;
  },
});

/** `@azure/functions-core` exists in the worker alone, which patches `require` in the same way. */
function answerForTheWorker(): void {
  const disposable = { dispose() {} };
  const core = {
    version: '3.14.1',
    hostVersion: '4.1052.100',
    registerFunction: () => disposable,
    registerHook: () => disposable,
    setProgrammingModel() {},
    getProgrammingModel() {},
    log() {},
    Disposable: class {
      dispose() {}
    },
  };
  Module.prototype.require = new Proxy(Module.prototype.require, {
    apply: (target, self, args) => (args[0] === '@azure/functions-core' ? core : Reflect.apply(target, self, args)),
  });
}
