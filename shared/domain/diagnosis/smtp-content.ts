import type { CatalogueEntry } from './diagnosis.ts';
import { sources } from './sources.ts';

/** Refusals of the message itself: its size, its form, its sender lines. */
export const smtpContent = [
  {
    code: 'smtp_message_too_large',
    class: 'content',
    retry: 'never',
    breaker: 'none',
    scope: 'message',
    title: 'The message is larger than the mailbox may send',
    cause:
      'A mailbox may send 35 MB unless set otherwise (150 MB at most), and an attachment grows by a third on the way (base64).',
    remedy:
      'Send a link in place of the file, or raise the limit: `Set-Mailbox -Identity <mailbox> -MaxSendSize 150MB`; see it: `Get-Mailbox -Identity <mailbox> | Format-List MaxSendSize`. Set `"limits":{"messageBytes":…}` in `MAIL_SENDERS` to the same, so that callers are told at once.',
    source:
      'https://learn.microsoft.com/office365/servicedescriptions/exchange-online-service-description/exchange-online-limits',
    matches: [
      { enhanced: ['5.3.4', '5.2.3'] },
      { stages: ['mail', 'data', 'content', 'final'], replyCodes: [552] },
      { errorCodes: ['EMESSAGE'], textPattern: /message size larger than allowed/i },
      { textPattern: /MessageSubmissionExceeded|MapiExceptionMaxSubmissionExceeded|message size exceeds/i },
    ],
    samples: [
      '552 5.3.4 Message size exceeds fixed maximum message size [AM0PR04CA0001.eurprd04.prod.outlook.com]',
      '554 5.2.0 STOREDRV.Submission.Exception:MessageSubmissionExceededException.MapiExceptionMaxSubmissionExceeded; Failed to process message due to a permanent exception with message Cannot save changes made to an item to store.',
    ],
  },
  {
    code: 'smtp_content_conversion_failed',
    class: 'content',
    retry: 'never',
    breaker: 'none',
    scope: 'message',
    title: 'Exchange could not convert the message (554 5.2.270)',
    cause:
      'Exchange turns each message into its own form, and gave up on this one. Seen with a text part of 25 MB and more: the same bytes as an attachment are taken.',
    remedy: 'Put large text into an attachment in place of the `text` or `html` field, or send a link.',
    source: 'Report from a real tenant: relaybridge, docs/exchange-smtp-delivery.md',
    matches: [
      { enhanced: ['5.2.270'] },
      { textPattern: /content conversion (?:failed|limit)|ConversionFailedException/i },
    ],
    samples: [
      '554 5.2.270 STOREDRV.Submission; message could not be converted [Hostname=AM0PR04MB0001.eurprd04.prod.outlook.com]',
    ],
  },
  {
    code: 'smtp_bare_line_feed',
    class: 'content',
    retry: 'never',
    breaker: 'none',
    scope: 'message',
    title: 'The message has bare line feeds (5.6.11)',
    cause:
      'Lines of a mail end with CR and LF; a single LF was found. Exosend writes CRLF only, so this comes from a raw message (`message/rfc822`) or from another program.',
    remedy: 'Let Exosend compose the message from JSON, or write CRLF in the raw message: `unix2dos message.eml`.',
    source: sources.bounces,
    matches: [{ enhanced: ['5.6.11'] }, { textPattern: /bare (?:LF|line feed|linefeed)/i }],
    samples: [
      '550 5.6.11 SMTPSEND.BareLinefeedsAreIllegal; message contains bare linefeeds, which cannot be sent via DATA',
    ],
  },
  {
    code: 'smtp_several_from',
    class: 'content',
    retry: 'never',
    breaker: 'none',
    scope: 'message',
    title: 'Several From addresses without a Sender (5.1.20)',
    cause:
      'A mail with more than one From address needs a Sender line that says who sent it. Exosend takes one From only, so this comes from a raw message.',
    remedy:
      'Write one address into the From line of the raw message, or let Exosend compose it from JSON (`POST /api/messages` with one `from`).',
    source: sources.bounces,
    matches: [{ enhanced: ['5.1.20'] }, { textPattern: /multiple from addresses/i }],
    samples: ['550 5.1.20 Multiple From addresses are not allowed without Sender address'],
  },
  {
    code: 'smtp_from_invalid',
    class: 'content',
    retry: 'never',
    breaker: 'none',
    scope: 'message',
    title: 'The From line is not a valid address (5.7.512, 5.1.7)',
    cause: 'Exchange found no usable address in the sender’s place of the message or of MAIL FROM.',
    remedy:
      'Correct `from` in the request or the From line of the raw message: one address such as `Billing <billing@contoso.com>`.',
    source: sources.bounces,
    matches: [{ enhanced: ['5.7.512', '5.1.7', '5.1.8000'] }, { stages: ['mail'], replyCodes: [501, 553] }],
    samples: [
      '550 5.7.512 Access denied, message must be RFC 5322 section 3.6.2 compliant',
      '501 5.1.7 Invalid address',
    ],
  },
  {
    code: 'smtp_utf8_address',
    class: 'content',
    retry: 'never',
    breaker: 'none',
    scope: 'message',
    title: 'An address with letters outside ASCII cannot be reached (5.6.7)',
    cause: 'Some server on the way does not take addresses with such letters before the @ (SMTPUTF8).',
    remedy:
      '`GET /api/messages/<id>` shows which address it was; ask the receiver for a plain one. Letters after the @ are no trouble: they are written as Punycode.',
    source: 'https://www.rfc-editor.org/rfc/rfc6531',
    matches: [{ enhanced: ['5.6.7', '5.6.9'] }, { textPattern: /SMTPUTF8 (?:is )?(?:not supported|required)/i }],
    samples: ['550 5.6.7 SMTPUTF8 is not supported by the receiving server'],
  },
  {
    code: 'smtp_message_refused',
    class: 'content',
    retry: 'never',
    breaker: 'none',
    scope: 'message',
    title: 'The message was refused (5xx)',
    cause:
      'The server refused the message for good, with a number and text that have no entry of their own here. It was not sent.',
    remedy:
      'Read the server’s text; `npm run explain -- "<reply>"` looks it up. When the cause is gone, put the message back: `POST /api/messages/<id>/retry`.',
    source: sources.rfc5321,
    matches: [
      { stages: ['mail', 'data', 'content', 'final'], replyCodes: [554], enhanced: ['5.0.0', '5.6.0', '5.7.0'] },
      { errorCodes: ['EMESSAGE'] },
    ],
    samples: [
      "Error: Message failed: 554 5.6.0 Invalid message content { code: 'EMESSAGE', response: '554 5.6.0 Invalid message content', responseCode: 554, command: 'DATA' }",
    ],
  },
] as const satisfies readonly CatalogueEntry[];
