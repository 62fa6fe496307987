import { diagnose } from '../domain/diagnosis/diagnose.ts';
import { ServiceFailure } from '../domain/failure.ts';
import type { Log } from '../domain/ports.ts';
import { redact } from '../domain/redact.ts';
import type { MissingSource, StatusSource } from '../domain/status-report.ts';

/** Reads sources that may fail or hang without holding up the others; what did not answer stands in `missing`. */
export function sourceReader(log: Log, limitMs: number) {
  const missing: MissingSource[] = [];

  /**
   * What a source says, undefined when it has failed or not answered in time. With `mayGoOn` it is given half the time,
   * and lateness is no fault: what it does will be done by the next call.
   */
  async function read<T>(
    source: StatusSource,
    reading: Promise<T> | undefined,
    { mayGoOn = false } = {},
  ): Promise<T | undefined> {
    try {
      return await withinTime(reading, mayGoOn ? limitMs / 2 : limitMs);
    } catch (error) {
      if (mayGoOn && error instanceof OutOfTime) return undefined;
      const named = missingSource(source, error);
      missing.push(named);
      const detail = error instanceof Error ? redact(error.message, 300) : '';
      log('warn', { event: 'status.source_missing', phase: source, code: named.code, detail });
      return undefined;
    }
  }

  return { missing, read };
}

function missingSource(source: StatusSource, error: unknown): MissingSource {
  if (error instanceof ServiceFailure) {
    return { source, code: diagnose(error.facts).entry.code, detail: error.message };
  }
  if (error instanceof OutOfTime) return { source, code: 'storage_unavailable', detail: error.message };
  // What a bug says is for the log of the call that has it, not for a page.
  return { source, code: 'internal_error', detail: 'A fault of this app.' };
}

class OutOfTime extends Error {}

async function withinTime<T>(reading: Promise<T> | undefined, limitMs: number): Promise<T | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new OutOfTime(`no answer within ${limitMs / 1000} s`)), limitMs);
  });
  try {
    return await Promise.race([reading, late]);
  } finally {
    clearTimeout(timer);
  }
}
