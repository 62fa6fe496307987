import { FINAL_STATUSES, type MessageStatus, mayFollow } from '../../shared/domain/message-record.ts';
import { statusSchema } from './common-schemas.ts';
import { PROBLEM_CODES, QUEUE_ONLY_CODES, statusOfCode } from './problem-codes.ts';
import { titleOfCode } from './problem-examples.ts';

const MEANINGS: Record<MessageStatus, string> = {
  queued: 'Stored; waits for its turn, or for `sendAt`.',
  sending: 'An attempt is under way.',
  deferred: 'An attempt failed in a way that passes; `nextAttemptAt` says when the next one comes.',
  sent: 'Exchange answered **250** for at least one recipient, and no recipient is open.',
  failed: 'No recipient was accepted, and no attempt follows by itself; `diagnosis` says why and what to do.',
  expired: '`expiresAt` came first. Nothing was submitted after it.',
  unknown: 'An attempt ended in doubt and is not repeated; nobody can tell whether Exchange took the mail.',
  cancelled: 'Cancelled before it was submitted.',
};

/** The text before the operations, in CommonMark. */
export function introduction(): string {
  return [
    'Sends mail through Exchange Online. A request is checked, stored and answered with **202**; from then on a worker submits it, tries again where that can help, and records what became of it.',
    '## Proving who calls',
    'Send a function key in the header `x-functions-key`. A key in the URL (`?code=`) is refused, even when it is right: it would end up in logs. Where the app is set to `MAIL_CALLER_AUTH=entra`, send a token of Entra ID instead (`Authorization: Bearer …`, with the role `Mail.Send` or `Mail.Operate`, or from an app that `MAIL_CALLERS` lists by its `appId`); only operators see the messages of others.',
    '## States',
    statusTable(),
    '**What `sent` means.** Exchange Online has answered 250 and taken over. Nothing is ever called delivered: a bounce, a quarantine or a rule of the reader comes later and elsewhere. Some recipients may have been refused even so: `refusedRecipients` counts them, `recipients` names them.',
    '**In doubt.** When a connection is lost after the last byte of a mail and before the reply, nobody can tell whether Exchange took it. With `onUnknown: resend` (the default) the same bytes are submitted once more after a minute, so a reader may get the mail twice; if that ends in doubt too, or with `onUnknown: hold` at once, the message ends as `unknown`. Look for its `messageId` in a message trace, then retry it or leave it.',
    '**Time.** Attempts go on for 24 hours (`deadlineAt`, setting `MAIL_DEADLINE_HOURS`) and never past `expiresAt`.',
    '## Idempotency',
    'Give each message a name of your own in `Idempotency-Key`, 1 to 255 printable ASCII characters, for example the number of the invoice. The same key with the same content gives the first answer again, with the header `Idempotent-Replayed: true`, and sends nothing; the same key with other content is refused with 422. So after a timeout the same request can simply be sent again. Keys belong to the caller who used them and are kept until 7 days after the message’s final state. A refused request does not use its key up. Of equal requests at the same time one stores the message and the others get its answer; `idempotency_in_progress` (409 with `Retry-After`) is reserved for that moment, and this version never gives it.',
    '## Refusals',
    'Every refusal is a problem document (RFC 9457, `application/problem+json`): `code` is a stable name, `errors` lists each fault with a pointer to its place, `retryable` says whether the same request can succeed later, `remedy` says what to do, and `traceId` finds the request in the log. 409, 429 and 503 that pass by themselves carry `Retry-After`.',
    problemTable(),
    'New codes may come; decide by `status` where you do not know one.',
    '## Requests from a queue',
    'The same JSON can be put on the queue `mail-requests` of the app’s storage account. There a field `idempotencyKey` takes the place of the header, and an attachment may name a blob of the container `mail-intake` as `contentBlob` in place of `content`. A request that cannot be taken becomes a `failed` message with its `errors`.',
  ].join('\n\n');
}

function statusTable(): string {
  const rows = statusSchema.options.map(status => {
    const next = statusSchema.options.filter(other => other !== status && mayFollow(status, other));
    const kind = FINAL_STATUSES.has(status) ? 'final' : 'open';
    return `| \`${status}\` | ${kind} | ${MEANINGS[status]} | ${next.map(other => `\`${other}\``).join(', ') || '–'} |`;
  });
  return ['| state | open or final | meaning | may become |', '|---|---|---|---|', ...rows].join('\n');
}

function problemTable(): string {
  const rows = PROBLEM_CODES.map(code => {
    const status = QUEUE_ONLY_CODES.has(code) ? 'queue' : statusOfCode(code);
    return `| \`${code}\` | ${status} | ${titleOfCode(code)} |`;
  });
  return ['| code | status | meaning |', '|---|---|---|', ...rows].join('\n');
}
