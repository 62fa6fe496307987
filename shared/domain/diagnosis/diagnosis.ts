/** What kind of trouble a failure is. The class says who must act; the retry kind says what the queue does. */
export type DiagnosisClass =
  /** Passes by itself: a service is briefly away or a connection was lost. */
  | 'transient'
  /** A service asks us to slow down. */
  | 'throttled'
  /** The proof of identity was refused: token, certificate, or SMTP AUTH. */
  | 'authentication'
  /** A setting, a role or a permission is missing or wrong. */
  | 'configuration'
  /** One address cannot be reached or may not be written to. */
  | 'recipient'
  /** The message, or the request that brought it, is refused: size, sender, attachment, form. */
  | 'content'
  /** A counted allowance is used up. */
  | 'quota'
  /** The service has shut off a mailbox, an address or the whole tenant. */
  | 'blocked'
  /** It cannot be known whether the message was sent. */
  | 'inDoubt';

/** Where on the way the failure was seen. */
export type FailureStage =
  | 'settings'
  | 'identity'
  | 'vault'
  | 'token'
  | 'dns'
  | 'tcp'
  | 'greeting'
  | 'ehlo'
  | 'tls'
  | 'auth'
  | 'mail'
  | 'rcpt'
  | 'data'
  | 'content'
  | 'final'
  | 'storage'
  | 'request'
  | 'delivery';

/** What is known of a failure, as found by an adapter: facts only, no judgement. */
export interface FailureFacts {
  readonly stage: FailureStage;
  /** SMTP reply code, three digits. */
  readonly replyCode?: number;
  /** Enhanced status code, for example "5.7.3" (RFC 3463). */
  readonly enhancedCode?: string;
  /** The server's or library's own text. Untrusted: never put it into a page or a log without scrubbing. */
  readonly text?: string;
  /** Code of Node, nodemailer or an SDK (`ECONNREFUSED`, `ETLS`, `CERT_HAS_EXPIRED`), an `AADSTS…` number, or one of our own codes. */
  readonly errorCode?: string;
  /** Status of an HTTP answer: Key Vault, Entra ID, storage. */
  readonly httpStatus?: number;
  /** Wait asked for by the service, in ms: from `Retry-After` or from the reply's text. */
  readonly retryAfterMs?: number;
}

/** How the queue treats a failure. The times belong to the retry plan, not to the catalogue. */
export type RetryKind =
  /** Trying again gives the same answer: the message ends here. In doubt, the message’s own `onUnknown` decides instead. */
  | 'never'
  /** Ordinary back-off: seconds, then minutes. */
  | 'soon'
  /** Back-off that begins at minutes: the service asked for calm, or the cause outlasts seconds. */
  | 'slow'
  /** The message waits until the mailbox or the app works again; a person must repair something first. */
  | 'afterAuthFix'
  /** The message waits for a counted window to slide on: hours. */
  | 'quotaWindow'
  /** A handful of tries with back-off, then it counts as a configuration fault. */
  | 'fewTries'
  /** One try with a token fetched anew; refused again, it is handled as `afterAuthFix`. */
  | 'onceRefreshed';

/** How a failure counts against the mailbox's circuit breaker. */
export type BreakerEffect =
  /** Does not count. */
  | 'none'
  /** Counts; a successful probe or a person closes it again. */
  | 'opens'
  /** Opens at once, and only time closes it: the sign-in still succeeds, and every further try prolongs the shut-off (`550 5.2.251` to `255`). */
  | 'timeOnly';

/** What a failure hits, and so what else will fail in the same way. */
export type FailureScope = 'message' | 'recipient' | 'mailbox' | 'app' | 'vault' | 'service';

/**
 * One way to recognise an entry. Every given field must hold; a field left out holds always.
 * The more telling the fields that hold, the better the match (`shared/domain/diagnosis/match.ts`).
 */
export interface Matcher {
  /** Stages in which the matcher counts; left out: all. */
  readonly stages?: readonly FailureStage[];
  /** SMTP reply codes. */
  readonly replyCodes?: readonly number[];
  /** Enhanced codes: exact ("5.7.3") or a range of the last number ("5.7.606-649"). Never a prefix: 5.7.60 is not 5.7.606. */
  readonly enhanced?: readonly string[];
  /** Tested on at most 64 KiB of text in one line; must run in linear time (no nested or adjoining unbounded repeats). */
  readonly textPattern?: RegExp;
  /** Codes of Node, nodemailer, SDKs, Entra ID or our own, compared without regard to case. */
  readonly errorCodes?: readonly string[];
  /** HTTP statuses: exact. */
  readonly httpStatuses?: readonly number[];
}

/** One known failure: how it looks, what it means, what to do. */
export interface CatalogueEntry {
  /** Stable snake_case name, for example "smtp_auth_unsuccessful". Never renamed: callers store it. */
  readonly code: string;
  readonly class: DiagnosisClass;
  readonly retry: RetryKind;
  readonly breaker: BreakerEffect;
  readonly scope: FailureScope;
  /** Short, without a full stop. */
  readonly title: string;
  /** Why it happens, in plain words. */
  readonly cause: string;
  /** What to do, with the exact command or portal path. */
  readonly remedy: string;
  /** Public source of the facts. */
  readonly source: string;
  readonly matches: readonly Matcher[];
  /** Real texts in which it was seen; used by tests, docs and `explain`. */
  readonly samples: readonly string[];
}

/** What a caller, a log line and a stored message are told about a failure. */
export interface Diagnosis {
  readonly code: string;
  readonly class: DiagnosisClass;
  readonly cause: string;
  readonly remedy: string;
  /** Address of the entry in docs/errors.md. */
  readonly docs: string;
}
