import MailComposer from 'nodemailer/lib/mail-composer';
import type MimeNode from 'nodemailer/lib/mime-node';
import type { ComposeInput } from '../../domain/content-ports.ts';
import { renderMail } from './render-mail.ts';

/**
 * The bytes of a mail, CRLF throughout. Deterministic: the same input gives the same bytes, since the date, the
 * Message-ID and the MIME boundaries come from the record.
 *
 * Only the fields named here reach nodemailer, each as a plain string or Buffer: `path`, `href`, `raw`, `envelope`,
 * `auth`, `dkim` and prepared headers cannot be given, and file and URL access are off besides.
 */
export async function composeMail(input: ComposeInput): Promise<Buffer> {
  const mail = mailTree(input);
  return renderMail(mail) ?? mail.build();
}

/** The mail as nodemailer's tree of parts. */
export function mailTree({ id, request, attachments, dateMs, messageIdHeader }: ComposeInput): MimeNode {
  const composer = new MailComposer({
    from: mailbox(request.from),
    to: request.to.map(mailbox),
    cc: request.cc.map(mailbox),
    replyTo: request.replyTo.map(mailbox),
    subject: request.subject,
    date: new Date(dateMs),
    messageId: messageIdHeader,
    headers: [
      ...Object.entries(request.headers).map(([key, value]) => ({ key, value })),
      ...(request.priority === 'high' && !hasHeader(request.headers, 'importance')
        ? [{ key: 'Importance', value: 'high' }]
        : []),
    ],
    ...(request.text === undefined ? {} : { text: request.text }),
    ...(request.html === undefined ? {} : { html: request.html }),
    attachments: attachments.map(attachment => ({
      content: attachment.content,
      filename: attachment.filename ?? false,
      ...(attachment.contentType === undefined ? {} : { contentType: encodableType(attachment.contentType) }),
      ...(attachment.contentId === undefined ? {} : { cid: attachment.contentId }),
      contentDisposition: attachment.disposition ?? (attachment.contentId === undefined ? 'attachment' : 'inline'),
    })),
    baseBoundary: id.toLowerCase(),
    newline: '\r\n',
    disableFileAccess: true,
    disableUrlAccess: true,
  } as ConstructorParameters<typeof MailComposer>[0]);
  return composer.compile();
}

function mailbox({ address, name }: { readonly address: string; readonly name?: string }): {
  address: string;
  name: string;
} {
  return { address, name: name ?? '' };
}

function hasHeader(headers: Readonly<Record<string, string>>, name: string): boolean {
  return Object.keys(headers).some(key => key.toLowerCase() === name);
}

/** Parts of these types go out unencoded (RFC 2046 5.1, 5.2): a caller's NULs and long lines with them. As plain octets they are base64. */
function encodableType(contentType: string): string {
  return /^\s*(message|multipart)\//i.test(contentType) ? 'application/octet-stream' : contentType;
}
