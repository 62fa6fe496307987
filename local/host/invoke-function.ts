import { type AppContext, type RegisteredFunction, runInApp } from './app-context.ts';
import { executeHooks, hookContext } from './hooks.ts';
import type { CoreInvocationContext, InvocationRequest, InvocationResponse } from './rpc-types.ts';
import { systemError } from './worker-errors.ts';
import { writeLog } from './write-log.ts';

/**
 * Runs one invocation in the worker's order: arguments, preInvocation hooks (may exchange inputs and handler), handler,
 * postInvocation hooks (may change result and error; an error set to null makes a success), response.
 * @throws whatever handler or hook threw, when a postInvocation hook did not take it away.
 */
export function invokeFunction(
  app: AppContext,
  { metadata, callback }: RegisteredFunction,
  request: InvocationRequest,
): Promise<InvocationResponse> {
  return runInApp(app, async () => {
    if (!app.programmingModel) throw systemError(Error, 'The app has set no programming model.');
    let invocationContext: unknown;
    const core: CoreInvocationContext = {
      invocationId: request.invocationId,
      request,
      metadata,
      state: undefined,
      log: (level, category, message) => {
        const entry = { level, category, message, functionName: metadata.name, invocationId: request.invocationId };
        writeLog(app, entry, invocationContext);
      },
    };
    const model = await app.programmingModel.getInvocationModel(core);
    const { context, inputs } = await model.getArguments();
    invocationContext = context;
    const shared = { hookData: {}, appHookData: app.appHookData, invocationContext: context };

    const before = hookContext({ functionCallback: callback, inputs }, shared);
    await inState(core, 'preInvocationHooks', () => executeHooks(app, 'preInvocation', before));

    const after = hookContext({ inputs: before.inputs, result: null as unknown, error: null as unknown }, shared);
    await inState(core, 'invocation', async () => {
      try {
        after.result = await model.invokeFunction(context, before.inputs, before.functionCallback);
      } catch (error) {
        // Anything that was thrown is an error; `throw undefined` must not look like a success.
        after.error = error ?? new Error('Unknown error');
      }
    });
    await inState(core, 'postInvocationHooks', () => executeHooks(app, 'postInvocation', after));

    if (after.error !== null && after.error !== undefined) throw after.error;
    return model.getResponse(context, after.result);
  });
}

async function inState(
  core: CoreInvocationContext,
  state: NonNullable<CoreInvocationContext['state']>,
  work: () => Promise<void>,
): Promise<void> {
  core.state = state;
  try {
    await work();
  } finally {
    core.state = undefined;
  }
}
