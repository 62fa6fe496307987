import { z } from 'zod';
import { hasControl, type Mailbox, mailboxOf, parseAddress, parseMailbox } from './address.ts';
import { isCallerHeader } from './caller-headers.ts';

/** RFC 5322 2.1.1: a line has at most 998 characters; its name and what encoding adds take the rest. */
const MAX_LINE = 900;
const MAX_TEXT_CHARS = 40_000_000;
/** Exchange Online lets an admin raise the recipients per message to 1,000; the mailbox's own limit is checked later. */
const MAX_RECIPIENTS = 1000;
/** `sendAt` may be this far ahead. A queue message cannot be hidden for longer either. */
export const MAX_SEND_AT_AHEAD_MS = 7 * 24 * 60 * 60 * 1000;

const headerText = (max: number) =>
  z
    .string()
    .max(max, `must not be longer than ${max} characters`)
    .refine(value => !hasControl(value), 'must not have line breaks or control characters');

const bodyText = z
  .string()
  .max(MAX_TEXT_CHARS, 'is too long')
  .refine(value => value.isWellFormed(), 'is not well-formed Unicode (a lone surrogate)')
  .refine(value => !value.includes('\u0000'), 'must not have a NUL character');

const mailbox = z
  .union([z.string(), z.strictObject({ address: z.string(), name: z.string().optional() })], {
    error: 'must be an address as a string, or an object {name, address}',
  })
  .transform((value, context): Mailbox => {
    const parsed = typeof value === 'string' ? parseMailbox(value) : withName(value.address, value.name ?? '');
    if (parsed.ok) return parsed.mailbox;
    context.addIssue({
      code: 'custom',
      message: `${parsed.reason}; write user@example.com or "Name <user@example.com>"`,
    });
    return z.NEVER;
  })
  .meta({ id: 'Mailbox' });

function withName(address: string, name: string): ReturnType<typeof mailboxOf> {
  const parsed = parseAddress(address);
  return parsed.ok ? mailboxOf(parsed.address, name) : parsed;
}

/** One mailbox or a list of them: what every mail API takes, so that a single recipient needs no brackets. */
const mailboxList = z
  .union(
    [
      z.array(mailbox).max(MAX_RECIPIENTS, `must not have more than ${MAX_RECIPIENTS} entries`),
      mailbox.transform(one => [one]),
    ],
    {
      error: 'must be an address or a list of addresses',
    },
  )
  .default([]);

const instant = z.iso
  .datetime({ offset: true, error: 'must be a date and time with offset, such as 2026-12-01T08:00:00Z' })
  .transform(value => Date.parse(value));

const MEDIA_TYPE =
  /^[A-Za-z0-9!#$&^_.+-]{1,127}\/[A-Za-z0-9!#$&^_.+-]{1,127}(?:\s*;\s*[A-Za-z0-9!#$&^_.+-]{1,64}=(?:[A-Za-z0-9!#$&^_.+-]{1,128}|"[A-Za-z0-9 !#$&^_.+:/-]{0,128}"))*$/;

/** Whether text is a media type with plain parameters (RFC 6838 4.2, RFC 2045 5.1) and nothing else. */
export function isMediaType(text: string): boolean {
  return text.length <= 400 && MEDIA_TYPE.test(text);
}

export const attachmentSchema = z
  .strictObject({
    filename: headerText(255).min(1, 'must not be empty').optional(),
    contentType: z.string().max(400).regex(MEDIA_TYPE, 'must be a media type such as application/pdf').optional(),
    content: z.string().optional().meta({ description: 'base64 (RFC 4648)' }),
    contentBlob: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9._/-]{0,254}$/, 'must be the name of a blob in the container mail-intake')
      .optional()
      .meta({ description: 'queue requests only: name of a blob in the container mail-intake, in place of content' }),
    contentId: z
      .string()
      .regex(/^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~@-]{1,250}$/, 'must be like logo or logo@contoso.com, without < and >')
      .optional(),
    disposition: z.enum(['attachment', 'inline'], { error: 'must be attachment or inline' }).optional(),
  })
  .meta({ id: 'Attachment' });

/** Body of `POST /api/messages`, of a batch item and of a queue request. Unknown fields are refused by name. */
export const mailRequestSchema = z
  .strictObject({
    from: mailbox,
    to: mailboxList,
    cc: mailboxList,
    bcc: mailboxList,
    replyTo: mailboxList,
    subject: headerText(MAX_LINE).default(''),
    text: bodyText.optional(),
    html: bodyText.optional(),
    attachments: z.array(attachmentSchema).max(200, 'must not have more than 200 entries').default([]),
    headers: z
      .record(
        z.string().refine(isCallerHeader, {
          error: issue =>
            `the header ${JSON.stringify(String(issue.input).slice(0, 80))} cannot be set; X-* (not X-Exosend-*), In-Reply-To, References, List-*, Auto-Submitted and Importance can`,
        }),
        headerText(MAX_LINE).min(1, 'must not be empty'),
      )
      .refine(value => Object.keys(value).length <= 50, 'must not have more than 50 entries')
      .default({}),
    priority: z.enum(['high', 'normal', 'low'], { error: 'must be high, normal or low' }).default('normal'),
    metadata: z
      .record(
        z.string().min(1).max(64, 'a name must not be longer than 64 characters'),
        z.string({ error: 'must be a string' }).max(512, 'must not be longer than 512 characters'),
      )
      .refine(value => Object.keys(value).length <= 50, 'must not have more than 50 entries')
      .default({}),
    sendAt: instant.optional(),
    expiresAt: instant.optional(),
    onUnknown: z.enum(['resend', 'hold'], { error: 'must be resend or hold' }).default('resend'),
    mailbox: z
      .string()
      .transform((value, context) => {
        const parsed = parseAddress(value);
        if (parsed.ok) return parsed.address;
        context.addIssue({ code: 'custom', message: parsed.reason });
        return z.NEVER;
      })
      .optional(),
    dryRun: z.boolean({ error: 'must be true or false' }).default(false),
    idempotencyKey: z
      .string()
      .regex(/^[\x20-\x7e]{1,255}$/, 'must be 1 to 255 printable ASCII characters')
      .optional()
      .meta({ description: 'queue requests only; over HTTP use the header Idempotency-Key' }),
  })
  .meta({ id: 'MailRequest' });

/** A request after parsing: addresses checked, times in ms since 1970, defaults filled in. */
export type MailRequest = z.output<typeof mailRequestSchema>;
export type AttachmentRequest = z.output<typeof attachmentSchema>;
