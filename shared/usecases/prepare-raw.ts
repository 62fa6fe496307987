import { createHash } from 'node:crypto';
import type { AcceptInput } from '../domain/accept-input.ts';
import { matchesAddressPattern } from '../domain/address.ts';
import { type BodyFacts, hasEightBit, normaliseBody } from '../domain/mail-body.ts';
import type { MailSettings } from '../domain/mail-settings.ts';
import { invalid } from '../domain/parse-mail-request.ts';
import { checkRecipients } from '../domain/policy.ts';
import { accepted, type Outcome, problem, refused } from '../domain/problem.ts';
import { named, parseHead, RawMailError, rawEnvelope, rewriteHead, splitHead } from '../domain/raw-mail.ts';
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
  const allowed = checkRecipients(settings, sender, recipients);
  if (!allowed.ok) return allowed;

  const ownId = `<${id}@${envelopeFrom.slice(envelopeFrom.lastIndexOf('@') + 1)}>`;
  const givenId = named(fields.value, 'message-id')[0]?.value;
  const messageIdHeader = givenId !== undefined && givenId !== '' ? givenId : ownId;
  const head = rewriteHead(fields.value, { id, messageIdHeader, dateMs: nowMs });
  const facts: BodyFacts = { bytes: head.length, eightBit: hasEightBit(head) };
  const digest = createHash('sha256').update(fields.value.map(field => field.raw).join('\n'));
  return accepted({
    from: envelopeFrom,
    mailbox,
    recipients,
    messageIdHeader,
    dryRun: options.dryRun,
    priority: 'normal',
    metadata: {},
    onUnknown: 'resend',
    content: {
      kind: 'stream',
      head,
      body: digested(normaliseBody(split.rest, facts, sender.limits.messageBytes), digest),
      facts,
    },
    fingerprint: () =>
      createHash('sha256')
        .update(digest.copy().digest())
        .update(JSON.stringify([envelopeFrom, recipients]))
        .digest('hex'),
  });
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
