import type { FailureStage } from './diagnosis.ts';

const BEFORE_MAIL: ReadonlySet<FailureStage> = new Set(['dns', 'tcp', 'greeting', 'ehlo', 'tls', 'auth']);

/**
 * Whether a failure at this stage came before MAIL. The server did not know of any message then, so a 5xx speaks of the
 * service, the connection or the sign-in, and no message may end by it (RFC 5321 section 3.1).
 */
export function isBeforeMail(stage: FailureStage | undefined): boolean {
  return stage !== undefined && BEFORE_MAIL.has(stage);
}
