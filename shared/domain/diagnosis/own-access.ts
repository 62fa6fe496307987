import type { CatalogueEntry } from './diagnosis.ts';
import { sources } from './sources.ts';

/** Refusals by Exosend’s own rules: who may call, as whom, to whom, how often, and what may be done to a message. */
export const ownAccess = [
  {
    code: 'unauthenticated',
    class: 'authentication',
    retry: 'never',
    breaker: 'none',
    scope: 'message',
    title: 'The caller has not shown who it is',
    cause:
      'The request has no valid function key (with `MAIL_CALLER_AUTH` = `key`) or no signed-in principal (with `entra`).',
    remedy:
      'Send the key in the header: `curl -H "x-functions-key: <key>"`; read it: `az functionapp keys list --name <app> --resource-group <group>`. With Entra ID: `az account get-access-token --resource api://<appId> --query accessToken -o tsv` and `Authorization: Bearer <token>`.',
    source: sources.own,
    matches: [],
    samples: ['{"status":401,"code":"unauthenticated"}'],
  },
  {
    code: 'key_in_url',
    class: 'authentication',
    retry: 'never',
    breaker: 'none',
    scope: 'message',
    title: 'The key stands in the address',
    cause: 'A key in `?code=` ends up in logs and telemetry, so Exosend refuses it even when it is right.',
    remedy:
      'Send it in the header `x-functions-key`. The key has been written to logs by now: `az functionapp keys set --name <app> --resource-group <group> --key-type functionKeys --key-name <name>` makes a new value.',
    source: 'https://github.com/Azure/azure-functions-host/issues/11602',
    matches: [],
    samples: ['{"status":401,"code":"key_in_url"}'],
  },
  {
    code: 'caller_not_allowed',
    class: 'authentication',
    retry: 'never',
    breaker: 'none',
    scope: 'message',
    title: 'The caller is known and may not do this',
    cause:
      'The caller is not listed in `MAIL_CALLERS`, or the route is for operators. With Entra ID tokens and no `MAIL_CALLERS`, or for a person: neither of the app roles `Mail.Send` and `Mail.Operate` was given.',
    remedy:
      'Add the caller to `MAIL_CALLERS`, by the hash of its key or its `appId`, with `"operator": true` for status, probes and incidents: `az functionapp config appsettings set --name <app> --resource-group <group> --settings "MAIL_CALLERS=$(cat callers.json)"`.',
    source: sources.own,
    matches: [],
    samples: ['{"status":403,"code":"caller_not_allowed"}'],
  },
  {
    code: 'sender_not_allowed',
    class: 'configuration',
    retry: 'never',
    breaker: 'none',
    scope: 'message',
    title: 'This From address may not be used here',
    cause:
      'No entry of `MAIL_SENDERS` allows the From address (or in the set-up with one mailbox it is not that mailbox), or the caller’s own `from` patterns do not.',
    remedy:
      'Use an address that is allowed, or add it: `from: ["*@contoso.com"]` at the mailbox in `MAIL_SENDERS`, and at the caller in `MAIL_CALLERS`. The mailbox also needs the right in Exchange: `Add-RecipientPermission -Identity <fromAddress> -Trustee <mailbox> -AccessRights SendAs -Confirm:$false`.',
    source: sources.own,
    matches: [],
    samples: ['{"status":403,"code":"sender_not_allowed"}'],
  },
  {
    code: 'recipient_not_allowed',
    class: 'recipient',
    retry: 'never',
    breaker: 'none',
    scope: 'message',
    title: 'A recipient is not on the allow-list',
    cause:
      'In `MAIL_MODE` = `allow-list` only listed addresses and domains get mail; or the caller’s `recipientDomains` do not include the recipient’s. The whole message is refused, and each such address is named.',
    remedy:
      'Add the address or domain to `MAIL_ALLOW_LIST` (`["*@contoso.com", "a@example.com"]`) or to the caller’s `recipientDomains`; for real operation set `MAIL_MODE=live`.',
    source: sources.own,
    matches: [],
    samples: ['{"status":403,"code":"recipient_not_allowed","errors":[{"pointer":"/to/0"}]}'],
  },
  {
    code: 'rate_limited',
    class: 'throttled',
    retry: 'soon',
    breaker: 'none',
    scope: 'message',
    title: 'The caller sends faster than it may',
    cause: 'The caller has used up its `messagesPerMinute` or `messagesPerDay`. Nothing was accepted.',
    remedy:
      'Repeat the request after the seconds in `Retry-After`, with the same Idempotency-Key. To raise the limit, change `MAIL_CALLERS`.',
    source: sources.own,
    matches: [],
    samples: ['{"status":429,"code":"rate_limited"}'],
  },
  {
    code: 'message_not_found',
    class: 'content',
    retry: 'never',
    breaker: 'none',
    scope: 'message',
    title: 'There is no such message for this caller',
    cause:
      'The id is wrong, the record is older than `RECORD_RETENTION_DAYS`, or the message belongs to another caller; the answer does not tell which.',
    remedy:
      'Look for it: `GET /api/messages?mailbox=<mailbox>&limit=50`. Records are kept 30 days unless `RECORD_RETENTION_DAYS` says otherwise.',
    source: sources.own,
    matches: [],
    samples: ['{"status":404,"code":"message_not_found"}'],
  },
  {
    code: 'incident_not_found',
    class: 'content',
    retry: 'never',
    breaker: 'none',
    scope: 'message',
    title: 'There is no such incident',
    cause: 'The id is wrong, it is that of a warning, or the incident ended more than a week ago.',
    remedy: 'See the open ones: `GET /api/status`, `incidents[].id`.',
    source: sources.own,
    matches: [],
    samples: ['{"status":404,"code":"incident_not_found"}'],
  },
  {
    code: 'content_gone',
    class: 'content',
    retry: 'never',
    breaker: 'none',
    scope: 'message',
    title: 'The message’s content has been deleted',
    cause:
      'Content is kept until the message is sent, and 72 hours after it failed. It cannot be sent again from here.',
    remedy:
      'Send the message anew: `POST /api/messages`. To keep the content of sent mail for a while: `az functionapp config appsettings set --name <app> --resource-group <group> --settings CONTENT_RETENTION_HOURS=72`.',
    source: sources.own,
    matches: [],
    samples: ['{"status":410,"code":"content_gone"}'],
  },
  {
    code: 'not_cancellable',
    class: 'content',
    retry: 'never',
    breaker: 'none',
    scope: 'message',
    title: 'The message can no longer be cancelled',
    cause:
      'Only a queued or deferred message that nobody can have got can be cancelled. This one is being sent, or it has ended, or it waits for another attempt after Exchange took it for some of its recipients or the last attempt ended in doubt.',
    remedy:
      'Look at its state: `GET /api/messages/<id>`. Mail that Exchange has taken can only be called back there, for recipients in the tenant.',
    source: sources.own,
    matches: [],
    samples: ['{"status":409,"code":"not_cancellable"}'],
  },
  {
    code: 'not_retryable',
    class: 'content',
    retry: 'never',
    breaker: 'none',
    scope: 'message',
    title: 'The message cannot be put back',
    cause:
      'Only a failed or unknown message can be put back, and only before its `expiresAt`: after it a message is never sent. This one is open, sent, cancelled or expired, or its `expiresAt` has passed.',
    remedy:
      'Look at its state and its `expiresAt`: `GET /api/messages/<id>`. To send the same mail once more, send it as a new message, with a later `expiresAt` and a new `Idempotency-Key`: `POST /api/messages`.',
    source: sources.own,
    matches: [],
    samples: ['{"status":409,"code":"not_retryable"}'],
  },
] as const satisfies readonly CatalogueEntry[];
