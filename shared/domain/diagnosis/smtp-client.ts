import type { CatalogueEntry } from './diagnosis.ts';
import { sources } from './sources.ts';

const ownApp =
  'Exosend never asks nodemailer for this, so look at the program whose error it is; if it is Exosend, report it with the log line: `https://github.com/exosend/exosend/issues`.';

/** What nodemailer refuses or gives up by itself. Where a server has replied, its reply is the cause, and not these codes. */
export const smtpClient = [
  {
    code: 'smtp_envelope_invalid',
    class: 'content',
    retry: 'never',
    breaker: 'none',
    scope: 'message',
    title: 'nodemailer found no usable sender or recipient (EENVELOPE)',
    cause:
      'The envelope has no recipient, or an address in it holds characters that SMTP does not allow. nodemailer refuses it before it asks the server. With a server’s reply in the text that reply is the cause, and not this code.',
    remedy:
      'Look at `to`, `cc`, `bcc` and `from` of the request: each must hold plain addresses such as `ada@contoso.com`, and one recipient at least. If the error shows a `response`, look that up: `npm run explain -- "<response>"`.',
    source: sources.nodemailer,
    matches: [{ errorCodes: ['EENVELOPE'] }, { textPattern: /\bno recipients defined\b/i }],
    samples: [
      "Error: No recipients defined { code: 'EENVELOPE', command: 'API' }",
      "Error: Invalid recipient \"ada@contoso.com>\" { code: 'EENVELOPE', command: 'API' }",
    ],
  },
  {
    code: 'smtp_client_message_rejected',
    class: 'content',
    retry: 'never',
    breaker: 'none',
    scope: 'message',
    title: 'nodemailer refused a field of the message (EFILEACCESS, EURLACCESS, EREQUIRETLS, EOTP)',
    cause:
      'A part names a file or a URL although reading these is switched off, the message asks for REQUIRETLS and the server does not offer it, or a one-time code is malformed.',
    remedy: `Give content as bytes in place of \`path\` or \`href\`, and leave \`requireTLSExtensionEnabled\` and \`otp\` out. ${ownApp}`,
    source: sources.nodemailer,
    matches: [{ errorCodes: ['EFILEACCESS', 'EURLACCESS', 'EREQUIRETLS', 'EOTP'] }],
    samples: [
      "Error: File access rejected for /etc/hostname { code: 'EFILEACCESS' }",
      "Error: Server does not support REQUIRETLS extension (RFC 8689) { code: 'EREQUIRETLS', command: 'MAIL FROM' }",
    ],
  },
  {
    code: 'smtp_content_unreadable',
    class: 'transient',
    retry: 'soon',
    breaker: 'none',
    scope: 'message',
    title: 'The content could not be read to its end (ESTREAM, EFETCH)',
    cause:
      'The stream or the address from which nodemailer reads the mail failed in the middle. The mail was not complete, so the server cannot have accepted it.',
    remedy:
      'Nothing at first: the message is tried again. If it lasts, read the error’s own text: it names the file, the blob or the address; `npm run explain -- "<text>"` looks it up.',
    source: sources.nodemailer,
    matches: [{ errorCodes: ['ESTREAM', 'EFETCH'] }],
    samples: ["Error: Stream ended unexpectedly { code: 'ESTREAM', command: 'API' }"],
  },
  {
    code: 'smtp_credentials_missing',
    class: 'configuration',
    retry: 'afterAuthFix',
    breaker: 'opens',
    scope: 'mailbox',
    title: 'nodemailer was given no credentials (ENOAUTH)',
    cause:
      'The client was to sign in and had neither a token nor a user name and password. Nothing was said to the server.',
    remedy:
      'In the program that shows it, give `auth: { type: "OAuth2", user: "<mailbox>", accessToken: "<token>" }`, or let it send through Exosend: `POST /api/messages`. Exosend signs in with a token always.',
    source: sources.nodemailer,
    matches: [
      { errorCodes: ['ENOAUTH'] },
      { errorCodes: ['EAUTH'], textPattern: /missing credentials|credentials not provided/i },
    ],
    samples: [
      "Error: Missing credentials for \"PLAIN\" { code: 'EAUTH', command: 'API' }",
      "Error: Authentication info was not provided { code: 'ENOAUTH' }",
    ],
  },
  {
    code: 'smtp_client_misconfigured',
    class: 'configuration',
    retry: 'fewTries',
    breaker: 'none',
    scope: 'service',
    title: 'nodemailer was set up wrongly, or sends by another way (ECONFIG, ESENDMAIL, ESES)',
    cause:
      'The options of the transport contradict each other or miss something, or the transport is not SMTP at all (sendmail, Amazon SES).',
    remedy: `Read the error’s text, which names the option. For Exchange Online: \`host: "smtp.office365.com", port: 587, requireTLS: true\`. ${ownApp}`,
    source: sources.nodemailer,
    matches: [{ errorCodes: ['ECONFIG', 'ESENDMAIL', 'ESES'] }],
    samples: [
      "Error: Unable to send mail, DKIM private key is missing { code: 'ECONFIG' }",
      "Error: Sendmail exited with code 75 { code: 'ESENDMAIL' }",
    ],
  },
  {
    code: 'smtp_client_stopped',
    class: 'transient',
    retry: 'soon',
    breaker: 'none',
    scope: 'service',
    title: 'nodemailer ended the attempt itself (EABORT, EMAXLIMIT)',
    cause:
      'The caller called the sending off, or a pooled connection had carried as many messages as it was allowed and another one takes over.',
    remedy: 'Nothing: the message is sent again over a new connection.',
    source: sources.nodemailer,
    matches: [{ errorCodes: ['EABORT', 'EMAXLIMIT'] }],
    samples: [
      "Error: Resource exhausted { code: 'EMAXLIMIT' }",
      "AbortError: Message sending aborted { code: 'EABORT' }",
    ],
  },
] as const satisfies readonly CatalogueEntry[];
