import type { CatalogueEntry } from './diagnosis.ts';
import { sources } from './sources.ts';

const settleDoubt =
  'Find out before sending again: the mail carries `X-Exosend-Id: <id>`; look into Sent Items of the mailbox, or run `Get-MessageTraceV2 -SenderAddress <mailbox> -StartDate <date> -EndDate <date>`. If it is not there: `POST /api/messages/<id>/retry`.';

/** Ends and waits that Exosend decides on itself while it delivers. */
export const ownDelivery = [
  {
    code: 'unknown_outcome',
    class: 'inDoubt',
    retry: 'never',
    breaker: 'none',
    scope: 'message',
    title: 'The last byte was sent, and no reply came',
    cause:
      'The connection broke, or time ran out, between the end of the message and the server’s verdict. Exchange may have taken the mail or not; nobody can tell from here.',
    remedy: `With \`onUnknown: resend\` Exosend sends the same bytes once more; with \`hold\`, or if the second try ends the same, the message stays \`unknown\`. ${settleDoubt}`,
    source: sources.rfc1047,
    matches: [
      {
        stages: ['final'],
        errorCodes: [
          'ECONNRESET',
          'EPIPE',
          'ECONNECTION',
          'ESOCKET',
          'ETIMEDOUT',
          'ECONNABORTED',
          'EPROTOCOL',
          'SOCKET_TIMEOUT',
        ],
      },
    ],
    samples: [
      '{"event":"delivery.unknown","phase":"final","code":"unknown_outcome","messageId":"01KAQY7Z5V8J3K2M4N6P8R0T1W"}',
    ],
  },
  {
    code: 'claim_lapsed',
    class: 'inDoubt',
    retry: 'never',
    breaker: 'none',
    scope: 'message',
    title: 'A sender stopped in the middle of this message',
    cause:
      'An instance had claimed the message and went away without recording an end: it was shut down, crashed or lost its storage. The record does not prove that the final dot was not sent.',
    remedy: `With \`onUnknown: resend\` Exosend sends the same bytes once more; with \`hold\` the message stays \`unknown\`. ${settleDoubt}`,
    source: sources.own,
    matches: [],
    samples: ['{"event":"delivery.unknown","code":"claim_lapsed","messageId":"01KAQY7Z5V8J3K2M4N6P8R0T1W"}'],
  },
  {
    code: 'message_expired',
    class: 'content',
    retry: 'never',
    breaker: 'none',
    scope: 'message',
    title: 'The message’s own time has passed',
    cause:
      '`expiresAt` came before the message could be sent, so it was not sent. A code for signing in, say, is of no use later.',
    remedy:
      'Look at the events of the message for what held it up: `GET /api/messages/<id>`. If it is still wanted, send it anew with a later `expiresAt`.',
    source: sources.own,
    matches: [],
    samples: ['{"event":"message.expired","code":"message_expired","messageId":"01KAQY7Z5V8J3K2M4N6P8R0T1W"}'],
  },
  {
    code: 'deadline_exceeded',
    class: 'transient',
    retry: 'never',
    breaker: 'none',
    scope: 'message',
    title: 'The message could not be sent within its deadline',
    cause:
      'Each try failed for a passing reason until `MAIL_DEADLINE_HOURS` (24) was over. The last try’s diagnosis, in the events, is the cause.',
    remedy:
      'Clear up the cause shown in `GET /api/messages/<id>`, then put the message back within 72 hours: `POST /api/messages/<id>/retry`. A longer deadline: `az functionapp config appsettings set --name <app> --resource-group <group> --settings MAIL_DEADLINE_HOURS=48`.',
    source: sources.own,
    matches: [],
    samples: ['{"event":"message.failed","code":"deadline_exceeded","messageId":"01KAQY7Z5V8J3K2M4N6P8R0T1W"}'],
  },
  {
    code: 'attempts_exhausted',
    class: 'transient',
    retry: 'never',
    breaker: 'none',
    scope: 'message',
    title: 'The message was tried as often as is sensible',
    cause:
      'A failure that usually passes came again at each of the few tries it is given. The last try’s diagnosis, in the events, is the cause.',
    remedy:
      'Clear up the cause shown in `GET /api/messages/<id>`, then put the message back: `POST /api/messages/<id>/retry`.',
    source: sources.own,
    matches: [],
    samples: ['{"event":"message.failed","code":"attempts_exhausted","messageId":"01KAQY7Z5V8J3K2M4N6P8R0T1W"}'],
  },
  {
    code: 'poison_message',
    class: 'content',
    retry: 'never',
    breaker: 'none',
    scope: 'message',
    title: 'A queue message could not be read, again and again',
    cause:
      'What lies on the queue `mail-requests` is not a request: not base64, not JSON, or its handling failed each time. The raw text is kept in the container `mail-poison`.',
    remedy:
      'Read it: `az storage blob list --container-name mail-poison --account-name <account> --auth-mode login`, then `az storage blob download`. Queue texts must be base64 (the Functions default): `az storage message put --queue-name mail-requests --content "$(base64 -w0 message.json)" --account-name <account> --auth-mode login`.',
    source: sources.own,
    matches: [],
    samples: ['{"event":"sweep.poison","code":"poison_message"}'],
  },
  {
    code: 'breaker_open',
    class: 'transient',
    retry: 'afterAuthFix',
    breaker: 'none',
    scope: 'mailbox',
    title: 'The mailbox is kept from sending for now',
    cause:
      'Sending from this mailbox failed for a reason that the next message would meet as well, so Exosend keeps its messages back. No try is used up meanwhile.',
    remedy:
      'Clear up the cause in `GET /api/status`, `mailboxes[].breaker.code`. Then run the probe, which opens the way at once when it succeeds: `POST /api/probe?mailbox=<mailbox>`. A shut-off by Exchange (550 5.2.251 to 255) ends by time only.',
    source: sources.own,
    matches: [],
    samples: ['{"event":"delivery.deferred","code":"breaker_open","mailbox":"billing@contoso.com"}'],
  },
  {
    code: 'mailbox_quota_reached',
    class: 'quota',
    retry: 'quotaWindow',
    breaker: 'none',
    scope: 'mailbox',
    title: 'The mailbox has reached the recipients a day that it is given here',
    cause:
      'Exosend counts recipients itself (`limits.recipientsPerDay`, 10,000 unless set) and holds back what would pass the number, since Exchange would refuse it.',
    remedy:
      'Nothing: the messages wait. See the count in `GET /api/status`, `mailboxes[].quota`. For more, list several mailboxes under `mailboxes` in `MAIL_SENDERS`.',
    source: sources.own,
    matches: [],
    samples: ['{"event":"delivery.deferred","code":"mailbox_quota_reached","mailbox":"billing@contoso.com"}'],
  },
  {
    code: 'simulated_failure',
    class: 'content',
    retry: 'never',
    breaker: 'none',
    scope: 'message',
    title: 'A failure made on purpose (sandbox)',
    cause:
      'In `MAIL_MODE` = `sandbox` nothing is sent, and some addresses stand for failures, so that an app can be tried out. This message went to one of them.',
    remedy:
      'Nothing. For real sending: `az functionapp config appsettings set --name <app> --resource-group <group> --settings MAIL_MODE=live`.',
    source: sources.own,
    matches: [],
    samples: ['{"event":"message.failed","code":"simulated_failure","messageId":"01KAQY7Z5V8J3K2M4N6P8R0T1W"}'],
  },
  {
    code: 'simulated_deferral',
    class: 'transient',
    retry: 'soon',
    breaker: 'none',
    scope: 'recipient',
    title: 'A deferral made on purpose (sandbox)',
    cause:
      'In `MAIL_MODE` = `sandbox` the address `deferred@simulator.invalid` is put off twice, a second or two apart, and then counts as sent.',
    remedy:
      'Nothing: it passes by itself. For real sending: `az functionapp config appsettings set --name <app> --resource-group <group> --settings MAIL_MODE=live`.',
    source: sources.own,
    matches: [],
    samples: ['{"event":"message.deferred","code":"simulated_deferral","messageId":"01KAQY7Z5V8J3K2M4N6P8R0T1W"}'],
  },
  {
    code: 'held_by_sandbox',
    class: 'configuration',
    retry: 'slow',
    breaker: 'none',
    scope: 'message',
    title: 'A real message waits because the mode is sandbox now',
    cause:
      'The message was accepted while `MAIL_MODE` was `live` or `allow-list`. In `sandbox` nothing leaves, so it is held until the mode changes or its deadline passes.',
    remedy:
      'Set the mode back: `az functionapp config appsettings set --name <app> --resource-group <group> --settings MAIL_MODE=live`; or cancel the message: `DELETE /api/messages/<id>`.',
    source: sources.own,
    matches: [],
    samples: ['{"event":"message.deferred","code":"held_by_sandbox","messageId":"01KAQY7Z5V8J3K2M4N6P8R0T1W"}'],
  },
] as const satisfies readonly CatalogueEntry[];
