import type { FailureFacts } from '../domain/diagnosis/diagnosis.ts';
import type { MailSettings } from '../domain/mail-settings.ts';
import type {
  ConnectResult,
  MailConnection,
  MailTransport,
  SubmitJob,
  SubmitResult,
} from '../domain/transport-ports.ts';

/** Recipients that stand for an outcome in mode sandbox. `.invalid` reaches nobody, ever (RFC 2606 2). */
const SIMULATOR = '@simulator.invalid';
/** A simulated deferral is followed by success in this attempt. */
const DEFERRED_ATTEMPTS = 2;
/** A real message looks this often whether it may go. */
const HELD_AGAIN_MS = 600_000;

const REFUSED: FailureFacts = {
  stage: 'delivery',
  errorCode: 'simulated_failure',
  text: '550 5.1.1 simulated: this address stands for a failure',
};
const DEFERRED: FailureFacts = {
  stage: 'delivery',
  errorCode: 'simulated_deferral',
  text: '450 4.2.0 simulated: this address is deferred twice',
};
const IN_DOUBT: FailureFacts = { stage: 'final', text: 'simulated: no answer came after the last byte' };
const HELD: FailureFacts = {
  stage: 'settings',
  errorCode: 'held_by_sandbox',
  text: 'accepted before the mode was sandbox, in which nothing leaves; waits for another mode',
  retryAfterMs: HELD_AGAIN_MS,
};

/**
 * Chooses by what was promised at acceptance, not by the mode of the hour: a simulated message is never submitted for
 * real, and in mode sandbox a real one waits for another mode. `real` is asked for only when something is to leave.
 */
export function modeTransport(mode: MailSettings['mode'], real: () => Promise<MailTransport>): MailTransport {
  if (mode === 'sandbox') return { connect: async () => simulated(simulateOrHold) };
  let known: MailTransport | undefined;
  return {
    async connect(sender, mailbox, messageId, log, options) {
      if (options?.isSimulated) return simulated(async job => simulate(job));
      known = await real();
      const result = await known.connect(sender, mailbox, messageId, log, options);
      if (result.kind !== 'connected') return result;
      const { connection } = result;
      const submit: MailConnection['submit'] = async (job, submitLog) =>
        job.simulated ? simulate(job) : connection.submit(job, submitLog);
      return { kind: 'connected', connection: { submit, release: () => connection.release() } };
    },
    async prepare(sender, mailbox, messageId, log, slot) {
      known = await real();
      return (await known.prepare?.(sender, mailbox, messageId, log, slot)) ?? { kind: 'ready' };
    },
    needsSignIn: (sender, mailbox) => known?.needsSignIn?.(sender, mailbox) ?? true,
  };
}

function simulated(submit: MailConnection['submit']): ConnectResult {
  return { kind: 'connected', connection: { submit, release: () => undefined } };
}

async function simulateOrHold(job: SubmitJob): Promise<SubmitResult> {
  return job.simulated ? simulate(job) : { kind: 'failed', facts: HELD, inDoubt: false, refused: [] };
}

/**
 * What Exchange might have said. Reads no content and touches nothing outside. Neither the envelope nor the dot is
 * noted in the record: an instance that stops here leaves no doubt behind.
 */
function simulate({ recipients, attempt = 1 }: SubmitJob): SubmitResult {
  const named = (name: string) => recipients.filter(address => address.toLowerCase() === `${name}${SIMULATOR}`);
  const refused = [
    ...named('failed').map(address => ({ address, facts: REFUSED })),
    ...(attempt <= DEFERRED_ATTEMPTS ? named('deferred').map(address => ({ address, facts: DEFERRED })) : []),
  ];
  // Doubt is about the mail as a whole: it leaves in one piece.
  if (named('unknown').length > 0) return { kind: 'failed', facts: IN_DOUBT, inDoubt: true, refused: [] };
  const away = new Set(refused.map(({ address }) => address));
  const accepted = recipients.filter(address => !away.has(address));
  if (accepted.length === 0) return { kind: 'failed', facts: refused[0]?.facts ?? REFUSED, inDoubt: false, refused };
  return { kind: 'accepted', reply: '250 2.0.0 simulated: nothing was sent', accepted, refused, timings: {} };
}
