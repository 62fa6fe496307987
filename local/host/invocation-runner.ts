import { randomBytes, randomUUID } from 'node:crypto';
import { type AppContext, runInApp } from './app-context.ts';
import type { FunctionInfo } from './function-info.ts';
import { invokeFunction } from './invoke-function.ts';
import type { InvocationResponse, LogLevel, TypedData } from './rpc-types.ts';
import { toError } from './worker-errors.ts';
import { writeLog } from './write-log.ts';

/** What a trigger hands over: the value under the trigger's binding name, and its metadata. */
type TriggerInput = {
  data: TypedData;
  triggerMetadata?: Record<string, TypedData>;
  /** Shown in the log: "New queue message detected on 'x'." */
  reason: string;
  /** W3C `traceparent` of the caller; its trace is continued. */
  traceParent?: string | undefined;
  traceState?: string | undefined;
  /** Default: a new one. */
  invocationId?: string;
};

export type InvocationRunner = {
  /** Runs the function. @throws what it threw, or an Error when it exceeds the function time-out. */
  run: (info: FunctionInfo, input: TriggerInput) => Promise<InvocationResponse>;
  /** Writes a line of the host's own, on behalf of the app. */
  log: (level: LogLevel, message: string) => void;
  /** Counts work that belongs to an invocation but outlives it, such as sending its answer. */
  track: <T>(work: Promise<T>) => Promise<T>;
  /** Resolves when nothing runs any more, or after `graceMs` milliseconds; gives the number still running. */
  drain: (graceMs: number) => Promise<number>;
};

/**
 * Makes the one place through which every invocation goes: it logs start and end as the host does, watches the time and
 * keeps count for the shutdown.
 * @param functionTimeoutMs longest run in milliseconds. Azure restarts the worker then; here the invocation only fails,
 *   and its code, which nothing can stop from outside, runs on.
 */
export function createInvocationRunner(app: AppContext, functionTimeoutMs: number | undefined): InvocationRunner {
  const running = new Set<Promise<unknown>>();
  const log = (level: LogLevel, message: string) =>
    runInApp(app, () => writeLog(app, { level, category: 'system', message }));

  const run = async (info: FunctionInfo, input: TriggerInput): Promise<InvocationResponse> => {
    const invocationId = input.invocationId ?? randomUUID();
    const label = `'Functions.${info.name}'`;
    const startedAt = performance.now();
    const ending = (outcome: string) =>
      `Executed ${label} (${outcome}, Id=${invocationId}, Duration=${Math.round(performance.now() - startedAt)}ms)`;
    log('information', `Executing ${label} (Reason='${input.reason}', Id=${invocationId})`);
    const work = invokeFunction(app, info.registered, {
      invocationId,
      functionId: info.registered.metadata.functionId ?? info.name,
      inputData: [{ name: info.triggerName, data: input.data }],
      triggerMetadata: input.triggerMetadata ?? {},
      traceContext: {
        traceParent: childTraceParent(input.traceParent),
        traceState: input.traceState ?? '',
        attributes: {},
      },
    });
    track(work).catch(() => {});
    try {
      const response = await withTimeout(work, functionTimeoutMs, info.name, invocationId);
      log('information', ending('Succeeded'));
      return response;
    } catch (thrown) {
      const error = toError(thrown);
      log('error', `${ending('Failed')}\n${error.stack ?? error.message}`);
      throw error;
    }
  };

  const track = <T>(work: Promise<T>): Promise<T> => {
    const counted = work.finally(() => running.delete(counted));
    running.add(counted);
    return counted;
  };

  const drain = async (graceMs: number): Promise<number> => {
    const deadline = Date.now() + graceMs;
    while (running.size > 0 && Date.now() < deadline) {
      await settledWithin([...running], deadline - Date.now());
    }
    return running.size;
  };

  return { run, log, track, drain };
}

/** Waits for all of them, whatever their outcome, but not longer than `ms`. */
export async function settledWithin(work: Promise<unknown>[], ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>(resolve => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([Promise.allSettled(work), limit]);
  clearTimeout(timer);
}

async function withTimeout<T>(work: Promise<T>, ms: number | undefined, name: string, id: string): Promise<T> {
  if (ms === undefined) return work;
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    const text = `Timeout value of ${ms} ms exceeded by function 'Functions.${name}' (Id: '${id}').`;
    timer = setTimeout(() => reject(new Error(text)), Math.min(ms, 2 ** 31 - 1));
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}

/** A span of our own under the caller's trace, or a new trace: https://www.w3.org/TR/trace-context/#traceparent-header */
function childTraceParent(parent: string | undefined): string {
  const match = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-([0-9a-f]{2})$/.exec(parent ?? '');
  return `00-${match?.[1] ?? randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-${match?.[2] ?? '00'}`;
}
