import { codeOfError } from '../domain/failure-code.ts';
import type { Log } from '../domain/ports.ts';
import { errorText } from '../domain/redact.ts';

/** The result, or undefined with a log line: what goes wrong around the runs must not lose the runs. */
export async function attempt<T>(work: Promise<T>, log: Log, what: string, mailbox?: string): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    logTrouble(log, what, error, mailbox);
    return undefined;
  }
}

export function logTrouble(log: Log, what: string, error: unknown, mailbox?: string): void {
  log('error', {
    event: 'probe.trouble',
    code: codeOfError(error),
    detail: `could not ${what}: ${errorText(error)}`,
    ...(mailbox === undefined ? {} : { mailbox }),
  });
}
