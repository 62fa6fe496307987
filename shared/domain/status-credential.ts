import type { CredentialState } from './credential-ports.ts';
import type { ProbeRun } from './probe-run.ts';
import type { Sender } from './sender.ts';
import type { CredentialStatus } from './status-report.ts';

const DAY_MS = 24 * 3_600_000;

/**
 * What is known of a sender's credential: from the last probe, which reads the vault anew each time, otherwise from the
 * tokens that this process has obtained. A client secret and a managed identity say nothing of themselves.
 */
export function credentialStatus(
  { credential, tenantId, clientId }: Sender,
  statesOf: ((name: string) => readonly CredentialState[]) | undefined,
  lastProbe: ProbeRun | undefined,
  nowMs: number,
): CredentialStatus {
  const { kind } = credential;
  const name = credential.kind === 'managedIdentity' ? null : credential.name;
  const own =
    name === null
      ? undefined
      : statesOf?.(name).find(state => state.tenantId === tenantId && state.clientId === clientId);
  const probed = lastProbe?.credential;
  const version = probed?.version ?? own?.version ?? null;
  const expiresAt = probed?.expiresAt ?? (own ? new Date(own.expiresAtMs).toISOString() : null);
  const daysLeft = expiresAt === null ? null : Math.floor((Date.parse(expiresAt) - nowMs) / DAY_MS);
  // Of another version than the probe has found: no longer true.
  const fallback = own?.version === version ? own?.fallback : undefined;
  return {
    kind,
    name,
    version,
    expiresAt,
    daysLeft,
    ...(fallback
      ? {
          fallback: {
            reason: fallback.reason,
            since: new Date(fallback.sinceMs).toISOString(),
            ...(fallback.version === undefined ? {} : { version: fallback.version }),
            ...(fallback.code === undefined ? {} : { code: fallback.code }),
          },
        }
      : {}),
  };
}
