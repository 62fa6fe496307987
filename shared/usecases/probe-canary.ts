import type { AcceptInput } from '../domain/accept-input.ts';
import { idempotencyRow } from '../domain/idempotency.ts';
import type { MessageStore } from '../domain/message-ports.ts';
import type { Clock, Log } from '../domain/ports.ts';
import {
  CANARY_LIFE_MS,
  type CanaryNote,
  type CanaryOutcome,
  canaryFrom,
  judgeCanary,
  refusedCanary,
} from '../domain/probe-canary.ts';
import type { ProbeArchive } from '../domain/probe-ports.ts';
import { type Sender, senderOfMailbox } from '../domain/sender.ts';
import { type AcceptDeps, acceptMail } from './accept-mail.ts';
import { eachOf } from './each-of.ts';

interface CanaryDeps {
  readonly to: string;
  readonly senders: readonly Sender[];
  readonly accept: AcceptDeps;
  readonly store: Pick<MessageStore, 'peek' | 'findKey'>;
  readonly clock: Clock;
}

const AT_ONCE = 16;
/** Owner of the canaries' records and idempotency keys. */
const CALLER = { id: 'exosend-canary', isOperator: false };

/**
 * Sends each mailbox a canary: a real mail, accepted and delivered as any other. One that is still under way is waited for.
 * Instances that send at once send one: the key names the mailbox and the canary before.
 */
export async function sendCanaries(
  deps: CanaryDeps,
  archive: Pick<ProbeArchive, 'recall' | 'noteCanaries'>,
  mailboxes: readonly string[],
  log: Log,
): Promise<void> {
  const known = await archive.recall(mailboxes);
  const noteOf = (mailbox: string) => known.get(mailbox.toLowerCase())?.canary;
  const idle = mailboxes.filter(mailbox => noteOf(mailbox)?.state !== 'sent');
  const notes = await eachOf(idle, AT_ONCE, mailbox => sendOne(deps, mailbox, noteOf(mailbox), log));
  await archive.noteCanaries(notes);
}

/**
 * What has become of a mailbox's canary, as its phase in this run, and what to remember with the run: each outcome is told
 * once. After one that failed the next is sent at the next run. Undefined: nothing to tell.
 */
export async function lookAtCanary(deps: CanaryDeps, note: CanaryNote, log: Log): Promise<CanaryOutcome | undefined> {
  if (note.state === 'good') return undefined;
  const current = note.state === 'failed' ? await sendOne(deps, note.mailbox, note, log) : note;
  const outcome =
    current.state === 'refused'
      ? refusedCanary(current)
      : judgeCanary(current, await recordOf(deps, current), deps.clock.now());
  return current === note ? outcome : { note: current, ...outcome };
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
