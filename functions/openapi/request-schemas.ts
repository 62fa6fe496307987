import type { z } from 'zod';
import type { attachmentSchema, mailRequestSchema } from '../../shared/domain/mail-request.ts';
import type { JsonSchema } from './document-types.ts';
import { mailExample } from './request-examples.ts';

/** Fields of a request over HTTP: those for the queue alone are not among them. */
type MailField = Exclude<keyof z.input<typeof mailRequestSchema>, 'idempotencyKey'>;
type AttachmentField = Exclude<keyof z.input<typeof attachmentSchema>, 'contentBlob'>;

const ONE_LINE = '^[^\\u0000-\\u001f\\u007f-\\u009f\\u2028\\u2029]*$';
/** What every address has; the whole check is more than a pattern can say. */
const ADDRESS = '^[^\\s@]+@[^\\s@]+$';
const ADDRESS_WITH_NAME = '^[^\\u0000-\\u001f\\u007f-\\u009f\\u2028\\u2029]+@[^\\u0000-\\u001f\\u007f-\\u009f@]+$';

/** What the schema in code checks with functions, as far as JSON Schema can say it, and what each field is for. */
const mailFields: Record<MailField, JsonSchema> = {
  from: { description: 'Author. Decides the mailbox that submits the mail, unless `mailbox` names one.' },
  to: { description: 'At least one recipient is needed in `to`, `cc` and `bcc` together.', default: [] },
  cc: { default: [] },
  bcc: { description: 'Get the mail and stand in no header.', default: [] },
  replyTo: { description: 'Where answers go.', default: [] },
  subject: { pattern: ONE_LINE, description: 'One line.' },
  text: {
    description:
      'Plain text. One of `text`, `html` and `attachments` is needed; with both, the reader’s program chooses.',
  },
  html: { description: 'HTML; pictures as inline attachments with `cid:` addresses.' },
  attachments: {
    description: 'Files, base64 in JSON. For large ones multipart/form-data or message/rfc822 saves a third.',
  },
  headers: {
    description:
      '`X-*` (not `X-Exosend-*`), `In-Reply-To`, `References`, `List-*`, `Auto-Submitted`, `Importance`; others are refused by name.',
    maxProperties: 50,
    propertyNames: { type: 'string', pattern: headerNamePattern() },
    additionalProperties: { type: 'string', minLength: 1, maxLength: 998, pattern: ONE_LINE },
  },
  priority: {
    description:
      'Which mail goes first when a mailbox has more than Exchange takes. `high` also sets the header `Importance`.',
  },
  metadata: { description: 'Your own names and values: echoed in the message, never sent.', maxProperties: 50 },
  sendAt: { description: 'Not submitted before this time; at most 7 days ahead.' },
  expiresAt: { description: 'Never submitted after this time: the message then ends as `expired`.' },
  onUnknown: {
    description:
      'After an attempt that ended in doubt: `resend` tries once more (the mail may arrive twice), `hold` ends as `unknown` (it may never arrive).',
  },
  mailbox: {
    pattern: '^\\s*[^\\s@]+@[^\\s@]+\\s*$',
    description: 'Mailbox that submits the mail, when `from` alone does not tell.',
  },
  dryRun: { description: 'Check and compose only: 200 with the headers, nothing is stored or sent.' },
};

const attachmentFields: Record<AttachmentField, JsonSchema> = {
  filename: { pattern: ONE_LINE, description: 'Name that the reader sees.' },
  contentType: { description: 'Media type; guessed from the name when left out.' },
  content: {
    description: 'The file as base64 (RFC 4648), with padding; line breaks are allowed.',
    contentEncoding: 'base64',
    pattern: '^[A-Za-z0-9+/\\r\\n]*(?:=[\\r\\n]*){0,2}$',
  },
  contentId: { description: 'For `cid:` addresses in `html`, without angle brackets.' },
  disposition: {
    description: '`inline` shows the file within the text; the default with a `contentId`, otherwise `attachment`.',
  },
};

/** Turns the schemas of a mail request into those of the HTTP body. */
export function asHttpRequest(schemas: Record<string, JsonSchema>): Record<string, JsonSchema> {
  const { MailRequest: mail, Attachment: attachment, Mailbox: mailbox } = schemas;
  const [text, parts] = mailbox?.anyOf ?? [];
  if (!mail || !attachment || !text || !parts?.properties?.['address'] || !parts.properties['name']) {
    throw new Error('The schema of a mail request is not what this document knows how to describe.');
  }
  return {
    ...schemas,
    MailRequest: {
      ...withFields(mail, mailFields),
      description:
        'A mail. Unknown fields are refused by name. Beyond what a schema can say: at least one recipient, and something to send (`text`, `html` or `attachments`).',
      examples: [mailExample],
    },
    Attachment: { ...withFields(attachment, attachmentFields), required: ['content'] },
    Mailbox: {
      description: 'One address; only this form is taken: no comments, groups or quoted parts before the @.',
      anyOf: [
        { ...text, pattern: ADDRESS_WITH_NAME, examples: ['bo@example.com', 'Bo Berg <bo@example.com>'] },
        {
          ...parts,
          properties: {
            address: { ...parts.properties['address'], pattern: ADDRESS },
            name: { ...parts.properties['name'], maxLength: 256, pattern: ONE_LINE },
          },
          examples: [{ name: 'Bo Berg', address: 'bo@example.com' }],
        },
      ],
    },
  };
}

/** Only the named fields, each with what is added to it. */
function withFields(schema: JsonSchema, fields: Record<string, JsonSchema>): JsonSchema {
  const properties = Object.entries(fields).map(([name, more]) => {
    const found = schema.properties?.[name];
    if (!found) throw new Error(`The schema has no field ${name}.`);
    return [name, { ...found, ...more }];
  });
  return { ...schema, properties: Object.fromEntries(properties) };
}

/** JSON Schema's patterns know no flags, and header names know no case. */
function headerNamePattern(): string {
  const anyCase = (name: string) =>
    name.replace(/[a-z]/gi, letter => `[${letter.toUpperCase()}${letter.toLowerCase()}]`);
  const names = ['In-Reply-To', 'References', 'Auto-Submitted', 'Importance'].map(anyCase).join('|');
  return `^(?:${anyCase('X')}-(?!${anyCase('Exosend')}-)[A-Za-z0-9-]{1,74}|${anyCase('List')}-[A-Za-z0-9-]{1,70}|${names})$`;
}
