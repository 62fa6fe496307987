import type { InvocationContext, TimerHandler } from '@azure/functions';
import { codeOfError } from '../shared/domain/failure-code.ts';
import { errorText } from '../shared/domain/redact.ts';
import { GraphFailure, RotationBlocked } from '../shared/domain/rotation-ports.ts';
import { contextLog } from './context-log.ts';
import type { RuntimeSource } from './runtime.ts';

/** A run keeps nobody waiting for long; the next one goes on. */
const WAIT_MS = 2 * 60_000;
const SETTLE_MS = 2 * 60_000;

/**
 * Every hour, with CERTIFICATE_ROTATION on: certificates that have 80 % of their life behind them are replaced, and what an
 * earlier run has begun is carried on. The timer runs on one instance at a time, which is what the use case asks for.
 */
export function timerRotation(runtimeOf: RuntimeSource): TimerHandler {
  return async (_timer, context: InvocationContext) => {
    const log = contextLog(context);
    const runtime = runtimeOf(log);
    if (!runtime?.settings.rotation.isOn || runtime.settings.mail.mode === 'sandbox') return;
    const [{ rotatedCredentials }, { rotateCredential }] = await Promise.all([
      import('./rotation.ts'),
      import('../shared/usecases/rotate-credential.ts'),
    ]);
    const { settings } = runtime;
    const { clock } = runtime.accept;
    for (const credential of rotatedCredentials(settings, settings.mail.senders, clock.now)) {
      try {
        const options = {
          when: 'due',
          graceMs: settings.rotation.graceMs,
          waitMs: WAIT_MS,
          settleMs: SETTLE_MS,
        } as const;
        await rotateCredential({ ...credential, clock, log }, options);
      } catch (error) {
        // One certificate's trouble is not the next one's.
        log('error', {
          event: 'credential.rotation.failed',
          code: codeOf(error),
          detail: `${credential.certificates.name}: ${errorText(error, 500)}`,
        });
      }
    }
  };
}

/** What docs/credentials.md lists: an obstacle, Microsoft Graph's own code, else a code of docs/errors.md. */
function codeOf(error: unknown): string {
  if (error instanceof RotationBlocked) return error.obstacle;
  if (error instanceof GraphFailure) return error.code ?? 'graph_unavailable';
  return codeOfError(error);
}
