import { noteOf, withNote } from '../domain/key-note.ts';
import type { AppKeys, CertificateVersion } from '../domain/rotation-ports.ts';
import { isUsable, keyIdIn, objectIdOf, type RotationDeps } from './rotation-parts.ts';

/** A key of an older version that stays registered, since nobody has told its id. */
export interface LeftKey {
  readonly version: string;
  readonly clientId: string;
}

export interface Removal {
  /** When the grace period of an older version is over; undefined when none is in it. */
  readonly graceEndsAtMs?: number;
  /** Versions whose keys have been taken away, and which have been disabled. */
  readonly removed: number;
  readonly left: readonly LeftKey[];
}

/**
 * Takes the keys of older versions away, once every app has been known by `current` for the grace period: until then a process
 * may still use the old one. A version none of whose keys is left is disabled, so that nobody falls back to it.
 *
 * @param current the version in use, accepted for every app, with its notes
 */
export async function removeOlder(
  deps: RotationDeps,
  current: CertificateVersion,
  versions: readonly CertificateVersion[],
  graceMs: number,
): Promise<Removal> {
  const { apps, certificates, clock, log } = deps;
  const at = versions.findIndex(({ version }) => version === current.version);
  const older = versions.slice(at + 1).filter(({ isEnabled }) => isEnabled);
  if (older.length === 0) return { removed: 0, left: [] };
  const inUseSince = apps.map(({ clientId }) => noteOf(current.tags, clientId)?.atMs ?? clock.now());
  const graceEndsAtMs = Math.max(...inUseSince) + graceMs;
  if (clock.now() < graceEndsAtMs) return { graceEndsAtMs, removed: 0, left: [] };
  const left: LeftKey[] = [];
  let removed = 0;
  for (const version of older) {
    let { tags } = version;
    const before = left.length;
    for (const app of apps) {
      const keyId = await takeAway(deps, app, version, current);
      if (keyId === 'unknown') left.push({ version: version.version, clientId: app.clientId });
      else tags = withNote(tags, app.clientId, { state: 'removed', atMs: clock.now(), ...(keyId ? { keyId } : {}) });
    }
    if (left.length > before) continue;
    await certificates.change(version.version, { tags, isEnabled: false });
    removed++;
    const detail = certificates.name;
    log('info', { event: 'credential.rotation.disabled', certificateVersion: version.version, detail });
  }
  for (const { version, clientId } of left) {
    const detail = `${certificates.name}, app ${clientId}: the key of this version stays registered until it expires, since its id is not known; npm run credential -- revoke takes it away`;
    log('info', { event: 'credential.rotation.left', certificateVersion: version, detail });
  }
  return { removed, left };
}

/** @returns the id of the key that is gone now, undefined when there was none, `unknown` when it stays */
async function takeAway(
  { certificates, clock, log }: RotationDeps,
  app: AppKeys,
  version: CertificateVersion,
  current: CertificateVersion,
): Promise<string | undefined> {
  const note = noteOf(version.tags, app.clientId);
  const keyId = note?.keyId ?? keyIdIn(await app.read(current.version), await certificates.publicPart(version.version));
  if (keyId === undefined) {
    // What has expired is of no use to anybody, registered or not.
    const isKnown = isUsable(version, clock.now()) && (await app.isAccepted(version.version));
    return isKnown ? 'unknown' : undefined;
  }
  await app.remove(await objectIdOf(app, current.version), keyId, current.version);
  const detail = `${certificates.name}, app ${app.clientId}, key ${keyId}`;
  log('info', { event: 'credential.rotation.key.removed', certificateVersion: version.version, detail });
  return keyId;
}
