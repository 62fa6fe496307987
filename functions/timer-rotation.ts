import type { InvocationContext, TimerHandler } from '@azure/functions';
import { redact } from '../shared/domain/redact.ts';
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
          detail: `${credential.certificates.name}: ${redact(error instanceof Error ? error.message : String(error), 500)}`,
        });
      }
    }
  };
}

function codeOf(error: unknown): string {
  const { obstacle, code, facts } = error as { obstacle?: string; code?: string; facts?: { errorCode?: string } };
  return obstacle ?? code ?? facts?.errorCode ?? 'rotation_failed';
}
