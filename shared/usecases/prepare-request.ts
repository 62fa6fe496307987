import type { AcceptInput, UploadedAttachment } from '../domain/accept-input.ts';
import { domainOf } from '../domain/address.ts';
import { checkCallerFrom, checkCallerRecipients } from '../domain/callers.ts';
import type { ComposedAttachment, ComposeMail, ContentStore } from '../domain/content-ports.ts';
import { fingerprint } from '../domain/idempotency.ts';
import { hasEightBit } from '../domain/mail-body.ts';
import type { MailRequest } from '../domain/mail-request.ts';
import type { MailSettings } from '../domain/mail-settings.ts';
import { invalid, parseMailRequest, timeFaults } from '../domain/parse-mail-request.ts';
import { checkRecipients, tooLarge } from '../domain/policy.ts';
import { accepted, type Outcome, type ProblemDetail } from '../domain/problem.ts';
import { uniqueAddresses } from '../domain/raw-mail.ts';
import { resolveSender } from '../domain/sender.ts';
import type { PreparedMail } from './prepared-mail.ts';

export interface PrepareDeps {
  readonly settings: MailSettings;
  readonly compose: ComposeMail;
  readonly contents: ContentStore;
}

/** Checks a structured request, decides its sender, and composes the mail. Nothing is stored. */
export async function prepareRequest(
  deps: PrepareDeps,
  input: AcceptInput & { body: { kind: 'request' } },
  id: string,
  nowMs: number,
): Promise<Outcome<PreparedMail>> {
  const parsed = parseMailRequest(input.body.value, undefined, input.channel, input.body.attachments?.length);
  if (!parsed.ok) return parsed;
  const request = parsed.value;
  const { caller } = input;
  const mayBeFrom = checkCallerFrom(caller, request.from.address);
  if (!mayBeFrom.ok) return mayBeFrom;
  const resolved = resolveSender(deps.settings.senders, request.from.address, request.mailbox);
  if (!resolved.ok) return resolved;
  const { sender, mailbox } = resolved.value;
  const recipients = uniqueAddresses([...request.to, ...request.cc, ...request.bcc]);
  const where = (address: string) => pointerOf(request, address);
  const mayReceive = checkCallerRecipients(caller, recipients, where);
  if (!mayReceive.ok) return mayReceive;
  const allowed = checkRecipients(deps.settings, sender, recipients, where);
  if (!allowed.ok) return allowed;
  const maxBytes = Math.min(sender.limits.messageBytes, caller.rules?.messageBytes ?? Number.POSITIVE_INFINITY);
  const attachments = await attachmentsOf(deps.contents, request, input.body.attachments ?? [], maxBytes);
  if (!attachments.ok) return attachments;

  const messageIdHeader = `<${id}@${domainOf(request.from.address)}>`;
  const composed = await deps.compose({
    id,
    request,
    attachments: attachments.value,
    dateMs: request.sendAt ?? nowMs,
    messageIdHeader,
  });
  const bytes = Buffer.concat([Buffer.from(`X-Exosend-Id: ${id}\r\n`), composed]);
  if (bytes.length > maxBytes) return tooLarge(maxBytes, bytes.length);

  const { idempotencyKey, dryRun, attachments: _given, ...content } = request;
  return accepted({
    from: request.from.address,
    mailbox,
    isMailboxNamed: request.mailbox !== undefined,
    recipients,
    messageIdHeader,
    dryRun,
    priority: request.priority,
    metadata: request.metadata,
    onUnknown: request.onUnknown,
    ...(request.sendAt === undefined ? {} : { sendAtMs: request.sendAt }),
    ...(request.expiresAt === undefined ? {} : { expiresAtMs: request.expiresAt }),
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    timeFaults: timeFaults(request, input.judgedAtMs ?? nowMs),
    content: { kind: 'bytes', bytes, eightBit: hasEightBit(bytes) },
    fingerprint: () => fingerprint({ ...content, attachments: attachments.value }),
  });
}

/** Where in the request an address stands. */
function pointerOf(request: MailRequest, address: string): string {
  for (const field of ['to', 'cc', 'bcc'] as const) {
    const at = request[field].findIndex(mailbox => mailbox.address === address);
    if (at >= 0) return `/${field}/${at}`;
  }
  return '';
}

async function attachmentsOf(
  contents: ContentStore,
  request: MailRequest,
  uploaded: readonly UploadedAttachment[],
  maxBytes: number,
): Promise<Outcome<readonly ComposedAttachment[]>> {
  const details: ProblemDetail[] = [];
  const attachments: ComposedAttachment[] = [];
  for (const [index, { content, contentBlob, ...rest }] of request.attachments.entries()) {
    if (content !== undefined) {
      attachments.push({ ...rest, content: Buffer.from(content, 'base64') });
    } else if (contentBlob !== undefined) {
      const bytes = await contents.getIntake(contentBlob, maxBytes);
      if (bytes) attachments.push({ ...rest, content: bytes });
      else
        details.push({
          pointer: `/attachments/${index}/contentBlob`,
          detail: 'names no blob in the container mail-intake',
        });
    }
  }
  if (details.length > 0) return invalid(details);
  return accepted([...attachments, ...uploaded]);
}
