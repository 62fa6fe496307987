import type { CatalogueEntry } from './diagnosis.ts';
import { sources } from './sources.ts';

const health = 'Microsoft 365 admin center, Health, Service health, Exchange Online';

/** Replies by which the submission service speaks of itself: busy, closing, not there. */
export const smtpService = [
  {
    code: 'smtp_service_not_active',
    class: 'transient',
    retry: 'soon',
    breaker: 'none',
    scope: 'service',
    title: 'The service says that it is not active (421 4.3.2)',
    cause:
      'The front end that answered is being restarted or taken out of service. Another one takes the next connection.',
    remedy: `Nothing: the message is tried again over a new connection. If it lasts, look at ${health}.`,
    source: 'https://github.com/jstedfast/MailKit/issues/1106',
    matches: [
      { textPattern: /service not active|service not available|system not accepting (?:network )?messages/i },
      { replyCodes: [421], enhanced: ['4.3.2'] },
    ],
    samples: [
      '421 4.3.2 Service not active [AM0PR04CA0001.eurprd04.prod.outlook.com 2026-11-20T10:00:00.000Z 08DE27F3A1B2C3D4]',
    ],
  },
  {
    code: 'smtp_proxy_error',
    class: 'transient',
    retry: 'soon',
    breaker: 'none',
    scope: 'service',
    title: 'Exchange’s front end did not reach the mailbox’s server (451 4.7.0 PRX)',
    cause:
      'The front end could not hand the session on inside Exchange. It nearly always passes. If it comes each time at AUTH and for one mailbox only, the user name in the sign-in is not the mailbox’s address.',
    remedy: `Nothing at first: the message is tried again. If it stays with one mailbox, check its address: \`Get-EXOMailbox -Identity <mailbox> | Format-List PrimarySmtpAddress, RecipientTypeDetails\`. Otherwise look at ${health}.`,
    source: 'https://github.com/jstedfast/MailKit/issues/566',
    matches: [{ textPattern: /temporary server error\. please try again later/i }, { textPattern: /\bPRX\d{1,2}\b/ }],
    samples: [
      '451 4.7.0 Temporary server error. Please try again later. PRX4 [AM5PR0701CA0008.eurprd07.prod.outlook.com]',
      '451 4.7.0 Temporary server error. Please try again later. PRX5 [AM0PR04CA0001.eurprd04.prod.outlook.com 2026-11-20T10:00:00.000Z 08DE27F3A1B2C3D4]',
      '4.3.111 Temporary server error. Please try again later MRH1 [Hostname=GVXP192MB1782.EURP192.PROD.OUTLOOK.COM]',
    ],
  },
  {
    code: 'smtp_idle_closed',
    class: 'transient',
    retry: 'soon',
    breaker: 'none',
    scope: 'service',
    title: 'Exchange closed the connection after silence (4.4.1, 4.4.2)',
    cause:
      'A connection that is kept warm is cut by Exchange after some minutes without a command, or after about twenty minutes in all.',
    remedy: 'Nothing: the message goes out over a new connection at once.',
    source: 'https://github.com/haraka/Haraka/issues/2321',
    matches: [
      { enhanced: ['4.4.1', '4.4.2'] },
      { replyCodes: [421, 451], textPattern: /timed? ?out|idle|connection (?:dropped|closed)/i },
    ],
    samples: [
      '421 4.4.2 Connection dropped due to SocketError',
      '421 4.4.1 Connection timed out [AM0PR04CA0001.eurprd04.prod.outlook.com]',
    ],
  },
  {
    code: 'smtp_bad_sequence',
    class: 'transient',
    retry: 'soon',
    breaker: 'none',
    scope: 'service',
    title: 'The server lost the thread of the session (503)',
    cause:
      'The server says that the command does not fit here. With a connection in use for several messages, its state and ours had drifted apart; a new connection starts clean.',
    remedy:
      'Nothing: the message is tried again over a new connection. If it comes each time, that is a fault of Exosend: `https://github.com/exosend/exosend/issues`.',
    source: sources.rfc5321,
    matches: [
      { stages: ['mail', 'rcpt', 'data', 'content', 'final'], replyCodes: [503] },
      { replyCodes: [503], textPattern: /bad sequence/i },
    ],
    samples: ['503 5.5.1 Bad sequence of commands [AM0PR04CA0001.eurprd04.prod.outlook.com]'],
  },
  {
    code: 'smtp_temporary_failure',
    class: 'transient',
    retry: 'soon',
    breaker: 'none',
    scope: 'service',
    title: 'The server asked to try again later (4xx)',
    cause:
      'The server refused for now, with a number and text that have no entry of their own here. Nothing was taken over.',
    remedy: `Nothing: the message is tried again with growing pauses until its deadline. If it lasts, look at ${health}.`,
    source: sources.rfc3463,
    matches: [{ replyCodes: [421, 450, 451, 452, 454, 455], enhanced: ['4.0.0', '4.2.0', '4.3.0', '4.3.1', '4.7.0'] }],
    samples: [
      '451 4.3.0 Mail server temporarily rejected message [AM0PR04CA0001.eurprd04.prod.outlook.com]',
      '454 4.7.0 Temporary authentication failure [AM0PR04CA0001.eurprd04.prod.outlook.com]',
    ],
  },
  {
    code: 'smtp_service_refused',
    class: 'transient',
    retry: 'soon',
    breaker: 'none',
    scope: 'service',
    title: 'The server refused before any message was offered (5xx)',
    cause:
      'The greeting, EHLO or another early command was answered with 5xx. No message had been named, so this is trouble of the service or of what stands before it, not of a message.',
    remedy: `The message is tried again with long pauses. Check \`SMTP_HOST\` and \`SMTP_PORT\` (smtp.office365.com, 587) and look at ${health}.`,
    source: sources.rfc5321,
    matches: [{ stages: ['greeting', 'ehlo'], replyCodes: [500, 501, 502, 503, 504, 521, 550, 554] }],
    samples: [
      "Error: Invalid greeting. response=554 5.3.2 No service here { code: 'EPROTOCOL', response: '554 5.3.2 No service here', responseCode: 554, command: 'CONN', phase: 'greeting' }",
    ],
  },
  {
    code: 'smtp_unexpected_reply',
    class: 'transient',
    retry: 'soon',
    breaker: 'none',
    scope: 'service',
    title: 'The server’s reply does not fit the command',
    cause:
      'A reply came that SMTP does not foresee at this place (2xx or 3xx where another was due). The connection is dropped, since its state is not known.',
    remedy:
      'The message is tried again over a new connection. If it comes each time, something between Exosend and Exchange changes the session: exempt TCP 587 from inspection, and look at the session by hand: `openssl s_client -starttls smtp -crlf -connect smtp.office365.com:587`.',
    source: sources.rfc5321,
    matches: [{ textPattern: /unexpected reply|could not reset session state/i }],
    samples: ["Error: Could not reset session state. response=250 { code: 'EPROTOCOL', command: 'RSET' }"],
  },
] as const satisfies readonly CatalogueEntry[];
