/** What happened since the start. Read-only for tests. */
export interface Counters {
  identityRequests: number;
  tokenRequests: number;
  tokensIssued: number;
  /** By AADSTS number. */
  tokenErrors: Record<string, number>;
  /** Client assertions made with a certificate, and how many of them had a jti seen before. */
  assertions: number;
  repeatedJti: number;
  federatedAssertions: number;
  clientSecrets: number;
  /** All authenticated vault requests, and by operation, e.g. `secrets/get`. */
  vaultRequests: number;
  vaultOperations: Record<string, number>;
  /** Authorised calls of Microsoft Graph, by operation, e.g. `addKey`. */
  graphOperations: Record<string, number>;
  connections: number;
  openConnections: number;
  maxOpenConnections: number;
  tlsHandshakes: number;
  /** Bytes a client sent in clear text behind STARTTLS; they were thrown away. */
  plaintextAfterStarttlsBytes: number;
  signIns: number;
  /** By reason, for the tester's eyes: Exchange itself says 535 5.7.3 for most. */
  signInFailures: Record<string, number>;
  mails: number;
  recipients: number;
  /** Messages refused after the dot, by enhanced status code. */
  refusals: Record<string, number>;
  /** Throttling answers: 250s delayed, and 421/432/554 of limits. */
  throttled: number;
  /** Messages with a bare CR or LF in their content. */
  bareLineEnds: number;
  faultsTriggered: number;
}

/** Counters at zero. */
export function newCounters(): Counters {
  return {
    identityRequests: 0,
    tokenRequests: 0,
    tokensIssued: 0,
    tokenErrors: {},
    assertions: 0,
    repeatedJti: 0,
    federatedAssertions: 0,
    clientSecrets: 0,
    vaultRequests: 0,
    vaultOperations: {},
    graphOperations: {},
    connections: 0,
    openConnections: 0,
    maxOpenConnections: 0,
    tlsHandshakes: 0,
    plaintextAfterStarttlsBytes: 0,
    signIns: 0,
    signInFailures: {},
    mails: 0,
    recipients: 0,
    refusals: {},
    throttled: 0,
    bareLineEnds: 0,
    faultsTriggered: 0,
  };
}

/** Adds one to a counter of a group. */
export function countBy(group: Record<string, number>, key: string): void {
  group[key] = (group[key] ?? 0) + 1;
}
