import { noteOf } from '../domain/key-note.ts';
import type { AppKeys, CertificateVersions, RegisteredKey } from '../domain/rotation-ports.ts';
import { isUsable, keyIdIn } from './rotation-parts.ts';

/** One version of a certificate, as one app sees it. */
export interface VersionStatus {
  readonly version: string;
  readonly isEnabled: boolean;
  readonly notBeforeMs: number;
  readonly expiresAtMs: number;
  /** Whether Entra ID gives a token for it; a version that is disabled or out of its time is not tried. */
  readonly entra: 'registered' | 'unknown' | 'not tried';
  readonly keyId?: string;
  /** The one that the app signs in with. */
  readonly isInUse: boolean;
}

export interface CredentialStatus {
  readonly clientId: string;
  /** Newest first. */
  readonly versions: readonly VersionStatus[];
  /** Why a version could not be tried, e.g. who asks may not read its key. */
  readonly problem?: string;
  /** Keys of the registration that belong to no version of this certificate; undefined where the app may not read it. */
  readonly otherKeys?: readonly RegisteredKey[];
}

/** What Key Vault and Entra ID say of a certificate, for one app. Changes nothing. */
export async function credentialStatus(
  certificates: CertificateVersions,
  app: AppKeys,
  nowMs: number,
): Promise<CredentialStatus> {
  const versions = await certificates.list();
  const accepted = new Map<string, boolean>();
  let problem: string | undefined;
  for (const version of versions) {
    if (!isUsable(version, nowMs)) continue;
    try {
      accepted.set(version.version, await app.isAccepted(version.version));
    } catch (error) {
      problem ??= error instanceof Error ? error.message : String(error);
    }
  }
  const inUse = versions.find(({ version }) => accepted.get(version))?.version;
  const registration = inUse === undefined ? undefined : await app.read(inUse);
  const known = new Set<string>();
  const found: VersionStatus[] = [];
  for (const { version, isEnabled, notBeforeMs, expiresAtMs, tags } of versions) {
    const note = noteOf(tags, app.clientId);
    const keyId = keyIdIn(registration, registration ? await certificates.publicPart(version) : new Uint8Array());
    if (keyId !== undefined) known.add(keyId);
    const shown = keyId ?? (note?.state === 'removed' ? undefined : note?.keyId);
    found.push({
      version,
      isEnabled,
      notBeforeMs,
      expiresAtMs,
      entra: accepted.has(version) ? (accepted.get(version) ? 'registered' : 'unknown') : 'not tried',
      ...(shown === undefined ? {} : { keyId: shown }),
      isInUse: version === inUse,
    });
  }
  return {
    clientId: app.clientId,
    versions: found,
    ...(problem === undefined ? {} : { problem }),
    ...(registration ? { otherKeys: registration.keys.filter(({ keyId }) => !known.has(keyId)) } : {}),
  };
}
