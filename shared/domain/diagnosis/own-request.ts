import type { CatalogueEntry } from './diagnosis.ts';
import { sources } from './sources.ts';

/** Refusals of a request by Exosend itself, before a message was taken: form, size, keys. */
export const ownRequest = [
  {
    code: 'settings_invalid',
    class: 'configuration',
    retry: 'afterAuthFix',
    breaker: 'none',
    scope: 'app',
    title: 'The app settings are incomplete or wrong',
    cause:
      'At least one app setting is missing or cannot be read. The app stays up, answers 503 and lists every problem by the setting’s name in its log, never with a value.',
    remedy:
      'Read the list in the log, event `settings.invalid`: `az monitor app-insights query --app <appInsights> --resource-group <group> --analytics-query "traces | where message has \'settings_invalid\' | top 5 by timestamp"`. Set each: `az functionapp config appsettings set --name <app> --resource-group <group> --settings <NAME>=<value>`; `local.settings.sample.json` shows them all.',
    source: sources.own,
    matches: [],
    samples: ['{"event":"settings.invalid","code":"settings_invalid"}'],
  },
  {
    code: 'request_not_json',
    class: 'content',
    retry: 'never',
    breaker: 'none',
    scope: 'message',
    title: 'The request’s body is not JSON',
    cause:
      'The body could not be read as JSON: it is cut short, empty, not UTF-8, or of another form than Content-Type says.',
    remedy:
      'Check the body: `jq . message.json`, and send it with `curl -H "Content-Type: application/json" --data-binary @message.json`. In PowerShell use `ConvertTo-Json -Depth 5`.',
    source: sources.own,
    matches: [],
    samples: [
      '{"type":"https://github.com/exosend/exosend/blob/main/docs/errors.md#request_not_json","status":400,"code":"request_not_json"}',
    ],
  },
  {
    code: 'request_invalid',
    class: 'content',
    retry: 'never',
    breaker: 'none',
    scope: 'message',
    title: 'The request has wrong or unknown fields',
    cause:
      'The body is JSON, and some fields are missing, malformed or not known. `errors` names each with a pointer to its place.',
    remedy:
      'Correct what `errors` lists. The fields and their limits: `GET /api/docs`. A try without sending: `"dryRun": true`.',
    source: sources.own,
    matches: [],
    samples: [
      '{"status":422,"code":"request_invalid","errors":[{"pointer":"/to/0","detail":"has no @; write user@example.com"}]}',
    ],
  },
  {
    code: 'parameter_invalid',
    class: 'content',
    retry: 'never',
    breaker: 'none',
    scope: 'message',
    title: 'The query has wrong or unknown parameters',
    cause: 'A parameter after the `?` is malformed or not known. `errors` names each.',
    remedy: 'Correct what `errors` lists. The parameters of each route: `GET /api/docs`.',
    source: sources.own,
    matches: [],
    samples: ['{"status":400,"code":"parameter_invalid","errors":[{"pointer":"/from","detail":"must be a time"}]}'],
  },
  {
    code: 'probe_in_progress',
    class: 'transient',
    retry: 'soon',
    breaker: 'none',
    scope: 'service',
    title: 'Another round of probes is under way',
    cause:
      'Rounds of the probe never overlap: they would count one failure twice. The one under way did not end while this call waited, as happens when servers are silent and time limits run.',
    remedy: 'Read its runs when it has ended: `GET /api/probes`. Or ask again after the time in `Retry-After`.',
    source: sources.own,
    matches: [],
    samples: ['{"status":409,"code":"probe_in_progress"}'],
  },
  {
    code: 'request_too_large',
    class: 'content',
    retry: 'never',
    breaker: 'none',
    scope: 'message',
    title: 'The message is larger than the limit',
    cause:
      'The message, with its attachments as they travel (base64, a third larger), passes the limit of the mailbox or of the caller. The answer names the limit.',
    remedy:
      'Send a link in place of the file. Or raise `"limits":{"messageBytes":…}` in `MAIL_SENDERS` (and `messageBytes` in `MAIL_CALLERS`) together with Exchange’s own limit: `Set-Mailbox -Identity <mailbox> -MaxSendSize 150MB`.',
    source: sources.own,
    matches: [],
    samples: ['{"status":413,"code":"request_too_large"}'],
  },
  {
    code: 'request_too_old',
    class: 'content',
    retry: 'never',
    breaker: 'none',
    scope: 'message',
    title: 'The request lay too long before it was taken up',
    cause:
      'A request on the queue `mail-requests` was read only after its `expiresAt`, or so late that its key for duplicates may already be forgotten; taking it now could send the mail twice.',
    remedy:
      'Put a new request on the queue if the mail is still wanted. Look why nobody read the queue: `az storage message peek --queue-name mail-requests --account-name <account> --auth-mode login` and the state of the app.',
    source: sources.own,
    matches: [],
    samples: ['{"event":"accept.refused","code":"request_too_old"}'],
  },
  {
    code: 'unsupported_media_type',
    class: 'content',
    retry: 'never',
    breaker: 'none',
    scope: 'message',
    title: 'The Content-Type is not one that is taken',
    cause: 'Messages come as `application/json`, `message/rfc822` or `multipart/form-data`.',
    remedy: 'Set the header: `curl -H "Content-Type: application/json" --data-binary @message.json`.',
    source: sources.own,
    matches: [],
    samples: ['{"status":415,"code":"unsupported_media_type"}'],
  },
  {
    code: 'idempotency_key_invalid',
    class: 'content',
    retry: 'never',
    breaker: 'none',
    scope: 'message',
    title: 'The Idempotency-Key is malformed',
    cause: 'The key is empty, longer than 255 characters, or has characters outside printable ASCII.',
    remedy:
      'Send a key of 1 to 255 printable ASCII characters that stays the same for each repeat of the same message, for example `Idempotency-Key: invoice-42`.',
    source: sources.own,
    matches: [],
    samples: ['{"status":400,"code":"idempotency_key_invalid"}'],
  },
  {
    code: 'idempotency_key_reused',
    class: 'content',
    retry: 'never',
    breaker: 'none',
    scope: 'message',
    title: 'The key was used for another message',
    cause:
      'The same caller sent this Idempotency-Key before with other content. Nothing was accepted, so that no mail gets lost behind another one’s key.',
    remedy:
      'Use a new key for a new message (`Idempotency-Key: invoice-43`). For a repeat send the same bytes again, without a changing date or id inside.',
    source: sources.own,
    matches: [],
    samples: ['{"status":422,"code":"idempotency_key_reused"}'],
  },
  {
    code: 'idempotency_in_progress',
    class: 'transient',
    retry: 'soon',
    breaker: 'none',
    scope: 'message',
    title: 'The first request with this key is still being stored',
    cause:
      'Two requests with the same key came at almost the same time. The first is not finished yet. Reserved: key and message are stored in one step, so that a second request finds either nothing or the first answer, and this version never answers so.',
    remedy: 'Repeat the request after the seconds in `Retry-After`; the answer of the first comes back.',
    source: sources.own,
    matches: [],
    samples: ['{"status":409,"code":"idempotency_in_progress"}'],
  },
  {
    code: 'internal_error',
    class: 'transient',
    retry: 'fewTries',
    breaker: 'none',
    scope: 'message',
    title: 'A fault of Exosend',
    cause:
      'Something happened that this program does not foresee. The answer and the log line carry a trace id; the details are in the log only.',
    remedy:
      'Find it by the trace id: `az monitor app-insights query --app <appInsights> --resource-group <group> --analytics-query "union traces, exceptions | where operation_Id == \'<traceId>\'"`, and report it with that text: `https://github.com/exosend/exosend/issues`.',
    source: sources.own,
    matches: [],
    samples: ['{"event":"request.failed","code":"internal_error","traceId":"0af7651916cd43dd8448eb211c80319c"}'],
  },
] as const satisfies readonly CatalogueEntry[];
