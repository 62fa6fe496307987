import type { InvocationContext, TimerHandler } from '@azure/functions';
import { codeOfError } from '../shared/domain/failure-code.ts';
import { errorText } from '../shared/domain/redact.ts';
import { probeNow } from '../shared/usecases/probe-now.ts';
import { contextLog } from './context-log.ts';
import { allMailboxes } from './probe-runtime.ts';
import type { RuntimeSource } from './runtime.ts';

/** On PROBE_SCHEDULE: every mailbox. A tick that comes late, or while a round is under way, is skipped or is that round's. */
export function timerProbe(runtimeOf: RuntimeSource): TimerHandler {
  return async (_timer, context: InvocationContext) => {
    const log = contextLog(context);
    const runtime = runtimeOf(log);
    if (!runtime) return;
    const probe = await runtime.probe();
    for (const detail of probe.settingProblems) log('warn', { event: 'settings.default', phase: 'settings', detail });
    try {
      await probeNow(probe, allMailboxes(probe), 0, log);
    } catch (error) {
      // Thrown on, so that the host counts it as failed. The alert rule probe-silent tells that runs are missing; this line says why.
      log('error', { event: 'probe.failed', code: codeOfError(error), detail: errorText(error, 500) });
      throw error;
    }
  };
}

/** On PROBE_CANARY_SCHEDULE: a real mail from each mailbox to PROBE_CANARY_TO, where that is set. The next rounds tell its outcome. */
export function timerCanary(runtimeOf: RuntimeSource): TimerHandler {
  return async (_timer, context: InvocationContext) => {
    const log = contextLog(context);
    const runtime = runtimeOf(log);
    if (runtime?.settings.canaryTo === undefined) return;
    const { sendCanaries } = await runtime.probe();
    await sendCanaries?.(log);
  };
}
