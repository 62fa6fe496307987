import { createHash } from 'node:crypto';
import type { AcceptInput } from '../domain/accept-input.ts';
import { domainOf, matchesAddressPattern, parseMailbox } from '../domain/address.ts';
import { checkCallerFrom, checkCallerRecipients } from '../domain/callers.ts';
import { type BodyFacts, hasEightBit, normaliseBody } from '../domain/mail-body.ts';
import type { MailSettings } from '../domain/mail-settings.ts';
import { invalid } from '../domain/parse-mail-request.ts';
import { checkRecipients } from '../domain/policy.ts';
import { accepted, type Outcome, problem, refused } from '../domain/problem.ts';
import {
  type HeaderField,
  named,
  parseHead,
  RawMailError,
  rawEnvelope,
  rewriteHead,
  splitHead,
} from '../domain/raw-mail.ts';
import { resolveSender } from '../domain/sender.ts';
import type { PreparedMail } from './prepared-mail.ts';

/**
 * Checks the head of a raw mail and leaves its body streaming: what is refused for its sender or recipients is
 * refused before the body is read.
 */
export async function prepareRaw(
  settings: MailSettings,
  input: AcceptInput & { body: { kind: 'raw' } },
  id: string,
  nowMs: number,
): Promise<Outcome<PreparedMail>> {
  const { options, chunks } = input.body;
  let split: Awaited<ReturnType<typeof splitHead>>;
  try {
    split = await splitHead(chunks);
  } catch (error) {
    if (error instanceof RawMailError) return invalid([error.detail]);
    throw error;
  }
  const fields = parseHead(split.head);
  if (!fields.ok) return fields;
  const envelope = rawEnvelope(fields.value, options);
  if (!envelope.ok) return envelope;
  const { from, envelopeFrom, recipients } = envelope.value;
  const { caller } = input;
  const mayBeFrom = checkCallerFrom(caller, from, envelopeFrom, ...shownSenders(fields.value));
  if (!mayBeFrom.ok) return mayBeFrom;
  const resolved = resolveSender(settings.senders, from, options.mailbox);
  if (!resolved.ok) return resolved;
  const { sender, mailbox } = resolved.value;
  if (!sender.from.some(pattern => matchesAddressPattern(envelopeFrom, pattern))) {
    return refused(
      problem('sender_not_allowed', `Nobody may send as ${envelopeFrom} here.`, {
        errors: [{ pointer: '/from', detail: 'matches no From pattern of the sender' }],
      }),
    );
  }
  const mayReceive = checkCallerRecipients(caller, recipients);
  if (!mayReceive.ok) return mayReceive;
  const allowed = checkRecipients(settings, sender, recipients);
  if (!allowed.ok) return allowed;

  const ownId = `<${id}@${domainOf(envelopeFrom)}>`;
  const givenId = named(fields.value, 'message-id')[0]?.value;
  // A Message-ID that is none (RFC 5322 3.6.4) goes out as it stands; what we keep and show of it is bounded.
  const isGiven = givenId !== undefined && /^[\x21-\x7e]{3,998}$/.test(givenId);
  const messageIdHeader = isGiven ? givenId : ownId;
  const maxBytes = Math.min(sender.limits.messageBytes, caller.rules?.messageBytes ?? Number.POSITIVE_INFINITY);
  const head = rewriteHead(fields.value, { id, messageIdHeader, dateMs: nowMs });
  const facts: BodyFacts = { bytes: head.length, eightBit: hasEightBit(head) };
  const digest = createHash('sha256').update(fields.value.map(field => field.raw).join('\n'));
  return accepted({
    from: envelopeFrom,
    mailbox,
    isMailboxNamed: options.mailbox !== undefined,
    recipients,
    messageIdHeader,
    dryRun: options.dryRun,
    priority: 'normal',
    metadata: {},
    onUnknown: 'resend',
    timeFaults: [],
    content: {
      kind: 'stream',
      head,
      body: digested(normaliseBody(split.rest, facts, maxBytes), digest),
      facts,
    },
    fingerprint: () =>
      createHash('sha256')
        .update(digest.copy().digest())
        .update(JSON.stringify([envelopeFrom, recipients]))
        .digest('hex'),
  });
}

/** Whom a reader may be shown beside the author: "Sender on behalf of From" (RFC 5322 3.6.2). What is no address matches nobody. */
function shownSenders(fields: readonly HeaderField[]): readonly string[] {
  return ['sender', 'resent-sender', 'resent-from'].flatMap(name =>
    named(fields, name).map(({ value }) => {
      const parsed = parseMailbox(Buffer.from(value, 'latin1').toString('utf8'));
      return parsed.ok ? parsed.mailbox.address : `the ${name} of the header`;
    }),
  );
}

async function* digested(
  chunks: AsyncIterable<Uint8Array>,
  digest: ReturnType<typeof createHash>,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    digest.update(chunk);
    yield chunk;
  }
}
