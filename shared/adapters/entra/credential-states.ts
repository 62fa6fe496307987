import type { AppCertificate, CredentialState, PassedOver } from '../../domain/credential-ports.ts';
import type { Log } from '../../domain/ports.ts';

/** Which certificates are in use in this process, and which stand in for a newer one. */
export interface CredentialStates {
  /** Called with each token obtained; writes a log line when something has changed, not with each. */
  note(
    name: string,
    app: { readonly tenantId: string; readonly clientId: string },
    certificate: AppCertificate,
    log: Log,
  ): void;
  /** What is known of a certificate, one entry for each app that uses it; empty before the first token. */
  credentialState(name: string): readonly CredentialState[];
}

const REASONS = {
  refused: 'Entra ID refuses it',
  disabled: 'it is disabled',
  notYetValid: 'it is not valid yet',
  expired: 'it has expired',
  unusable: 'it cannot be used',
} as const;

/** Kept in memory: another process finds out by itself. */
export function credentialStates(now: () => number): CredentialStates {
  const states = new Map<string, CredentialState>();
  return {
    note(name, { tenantId, clientId }, certificate, log) {
      const key = JSON.stringify([name, tenantId, clientId]);
      const before = states.get(key);
      const { version, standsInFor } = certificate;
      const isSame =
        before?.version === version &&
        before.fallback?.reason === standsInFor?.reason &&
        before.fallback?.version === standsInFor?.version;
      if (isSame) return;
      states.set(key, {
        name,
        tenantId,
        clientId,
        version,
        expiresAtMs: certificate.notAfterMs,
        ...(standsInFor ? { fallback: { ...standsInFor, sinceMs: before?.fallback?.sinceMs ?? now() } } : {}),
      });
      if (standsInFor) logFallback(name, certificate, standsInFor, now(), log);
      else if (before?.fallback) {
        const detail = `${name}: the newest version, ${version}, is in use again`;
        log('info', { event: 'credential.newest', phase: 'token', state: 'newest', detail });
      }
    },
    credentialState: name => [...states.values()].filter(state => state.name === name),
  };
}

function logFallback(
  name: string,
  certificate: AppCertificate,
  standsInFor: PassedOver,
  nowMs: number,
  log: Log,
): void {
  // Someone disabled it, or has it begin later: that is intended, and nothing to be warned of.
  const isIntended = standsInFor.reason === 'disabled' || standsInFor.reason === 'notYetValid';
  const newest =
    standsInFor.version === undefined ? 'the newest version' : `the newest version, ${standsInFor.version}`;
  log(isIntended ? 'info' : 'warn', {
    event: 'credential.fallback',
    phase: 'token',
    state: standsInFor.reason,
    ...(standsInFor.code === undefined ? {} : { code: standsInFor.code }),
    detail: `${name}: version ${certificate.version} is used in place of ${newest}: ${REASONS[standsInFor.reason]}`,
    certificateVersion: certificate.version,
    daysLeft: Math.floor((certificate.notAfterMs - nowMs) / 86_400_000),
  });
}
