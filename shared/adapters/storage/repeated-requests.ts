import type { PipelinePolicy } from '@azure/core-rest-pipeline';

const repeated = new WeakMap<object, boolean>();

/** Notes of each request whether the SDK sends it more than once: it does so by itself and says nothing of it. Runs with each try. */
export const noteRepeats: PipelinePolicy = {
  name: 'noteRepeats',
  sendRequest(request, next) {
    repeated.set(request, repeated.has(request));
    return next(request);
  },
};

/**
 * Whether the refused request had been sent before. Then the refusal may come of its own first try, which was done and
 * whose answer was lost. True for an error that does not tell.
 */
export function wasRepeated(error: unknown): boolean {
  const { request } = error as { readonly request?: object };
  return request === undefined || (repeated.get(request) ?? true);
}
