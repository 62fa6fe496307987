import type { AcceptInput } from '../domain/accept-input.ts';
import { idempotencyRow } from '../domain/idempotency.ts';
import type { Clock, Log, MessageStore } from '../domain/ports.ts';
import { CANARY_LIFE_MS, type CanaryNote, canaryFrom, judgeCanary, refusedCanary } from '../domain/probe-canary.ts';
import type { CanaryBook } from '../domain/probe-ports.ts';
import type { PhaseResult } from '../domain/probe-run.ts';
import { type Sender, senderOfMailbox } from '../domain/sender.ts';
import { type AcceptDeps, acceptMail } from './accept-mail.ts';
import { eachOf } from './each-of.ts';

export interface CanaryDeps {
  readonly to: string;
  readonly senders: readonly Sender[];
  readonly accept: AcceptDeps;
  readonly store: Pick<MessageStore, 'peek' | 'findKey'>;
  readonly book: CanaryBook;
  readonly clock: Clock;
}

const AT_ONCE = 16;
/** Owner of the canaries' records and idempotency keys. */
const CALLER = { id: 'exosend-canary', isOperator: false };

/**
 * Sends each mailbox a canary: a real mail, accepted and delivered as any other. One that is still under way is waited for.
 * Instances that send at once send one: the key names the mailbox and the canary before.
 */
export async function sendCanaries(deps: CanaryDeps, mailboxes: readonly string[], log: Log): Promise<void> {
  const known = await deps.book.read();
  const idle = mailboxes.filter(mailbox => known.get(mailbox.toLowerCase())?.state !== 'sent');
  const notes = await eachOf(idle, AT_ONCE, mailbox => sendOne(deps, mailbox, known.get(mailbox.toLowerCase()), log));
  await deps.book.write(notes);
}

/**
 * What has become of the canaries, as the phase of each mailbox in this run: each outcome is told once. After one that
 * failed the next is sent at the next run.
 */
export async function collectCanaries(
  deps: CanaryDeps,
  mailboxes: readonly string[],
  log: Log,
): Promise<ReadonlyMap<string, PhaseResult>> {
  const known = await deps.book.read();
  const phases = new Map<string, PhaseResult>();
  const changed: CanaryNote[] = [];
  await eachOf(mailboxes, AT_ONCE, async mailbox => {
    const note = known.get(mailbox.toLowerCase());
    if (!note || note.state === 'good') return;
    const current = note.state === 'failed' ? await sendOne(deps, mailbox, note, log) : note;
    const outcome =
      current.state === 'refused'
        ? refusedCanary(current)
        : judgeCanary(current, await recordOf(deps, current), deps.clock.now());
    phases.set(mailbox, outcome.phase);
    if (outcome.note ?? current !== note) changed.push(outcome.note ?? current);
  });
  await deps.book.write(changed);
  return phases;
}

async function recordOf({ store }: CanaryDeps, { messageId }: CanaryNote) {
  return messageId === undefined ? undefined : (await store.peek(messageId))?.record;
}

async function sendOne(
  deps: CanaryDeps,
  mailbox: string,
  before: CanaryNote | undefined,
  log: Log,
): Promise<CanaryNote> {
  const nowMs = deps.clock.now();
  const minute = new Date(nowMs).toISOString().slice(0, 16);
  const sender = senderOfMailbox(deps.senders, mailbox);
  const idempotencyKey = `${mailbox} after ${before?.messageId ?? minute}`.slice(-255);
  const input: AcceptInput = {
    caller: CALLER,
    channel: 'http',
    idempotencyKey,
    traceId: Buffer.from(deps.clock.randomBytes(16)).toString('hex'),
    body: {
      kind: 'request',
      value: {
        from: sender ? canaryFrom(sender, mailbox) : mailbox,
        to: deps.to,
        mailbox,
        subject: `Exosend canary of ${minute}Z`,
        text: `Sent by the probe of Exosend at ${minute}Z through ${mailbox}, to see whether mail gets through.\n`,
        headers: { 'Auto-Submitted': 'auto-generated' },
        metadata: { canary: minute },
        expiresAt: new Date(Date.parse(`${minute}Z`) + CANARY_LIFE_MS).toISOString(),
        onUnknown: 'hold',
      },
    },
  };
  const outcome = await acceptMail(deps.accept, input, log);
  if (!outcome.ok) {
    // Another instance was quicker, in another minute.
    const theirs = await deps.store.findKey(idempotencyRow(CALLER.id, idempotencyKey));
    if (theirs) return { mailbox, sentAtMs: nowMs, state: 'sent', messageId: theirs.messageId };
    const { code, detail } = outcome.problem;
    log('warn', { event: 'canary.refused', mailbox, code, detail });
    return { mailbox, sentAtMs: nowMs, state: 'refused', code, detail };
  }
  if (outcome.value.kind !== 'accepted') throw new Error('a canary is no dry run');
  log('info', { event: 'canary.sent', mailbox, messageId: outcome.value.id });
  return { mailbox, sentAtMs: nowMs, state: 'sent', messageId: outcome.value.id };
}
