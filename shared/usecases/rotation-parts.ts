import type { Clock, Log } from '../domain/ports.ts';
import {
  type AppKeys,
  type CertificateVersion,
  type CertificateVersions,
  type Registration,
  RotationBlocked,
} from '../domain/rotation-ports.ts';

export interface RotationDeps {
  readonly certificates: CertificateVersions;
  /** Every app that signs in with this certificate. */
  readonly apps: readonly AppKeys[];
  readonly clock: Pick<Clock, 'now' | 'sleep'>;
  readonly log: Log;
}

/** Versions asked about for one app: each costs a token request. */
const MAX_TRIES = 5;

/** Enabled, and valid now. */
export function isUsable({ isEnabled, notBeforeMs, expiresAtMs }: CertificateVersion, nowMs: number): boolean {
  return isEnabled && notBeforeMs <= nowMs && nowMs < expiresAtMs;
}

/** The newest version with which the app can prove itself, other than `except`; undefined when there is none. */
export async function signerFor(
  app: AppKeys,
  versions: readonly CertificateVersion[],
  except: string | undefined,
  nowMs: number,
): Promise<CertificateVersion | undefined> {
  const usable = versions.filter(version => isUsable(version, nowMs) && version.version !== except);
  for (const version of usable.slice(0, MAX_TRIES)) if (await app.isAccepted(version.version)) return version;
  return undefined;
}

/** The object id of the App registration: from the settings, else from Microsoft Graph where it lets the app read it. */
export async function objectIdOf(app: AppKeys, by: string): Promise<string> {
  const objectId = app.objectId ?? (await app.read(by))?.objectId;
  if (objectId !== undefined) return objectId;
  throw new RotationBlocked(
    'object_id_unknown',
    `The object id of the App registration ${app.clientId} is not known, and the app may not read it. Find it with: az ad app show --id ${app.clientId} --query id -o tsv, and give it in MAIL_APP_OBJECT_ID, or as applicationObjectId in the credential of MAIL_SENDERS.`,
  );
}

/** The id of a certificate's key in a registration that could be read. */
export function keyIdIn(registration: Registration | undefined, certificate: Uint8Array): string | undefined {
  return registration?.keys.find(key => isSame(key.certificate, certificate))?.keyId;
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}
