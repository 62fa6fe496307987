import { noteOf, withNote } from '../domain/key-note.ts';
import { type AppKeys, type CertificateVersion, noNewVersion, RotationBlocked } from '../domain/rotation-ports.ts';
import { type RegisterOptions, registerVersion } from './register-version.ts';
import { type LeftKey, removeOlder } from './remove-older-keys.ts';
import { isUsable, keyIdIn, objectIdOf, type RotationDeps } from './rotation-parts.ts';

/** The part of a certificate's life after which it is replaced; Key Vault's own default for a renewal. */
const LIFE_SHARE = 0.8;
/** A version younger than this is not replaced again on demand: the last run may merely not have been seen to end. */
const YOUNG_MS = 24 * 3_600_000;

export interface RotationOptions extends RegisterOptions {
  /** `due`: when 80 % of the life are over. `asked`: now, unless that has just been done. `forced`: now. */
  readonly when: 'due' | 'asked' | 'forced';
  /** How long the old key stays after the new one is accepted, ms. */
  readonly graceMs: number;
}

export interface RotationReport {
  /** `current`: nothing to do. `waiting`: Entra ID does not accept the new key yet. `grace`: the old key is still to go. `rotated`: done. */
  readonly state: 'current' | 'waiting' | 'grace' | 'rotated';
  /** The newest version. */
  readonly version: string;
  /** When a further run has something to do, ms since 1970. */
  readonly nextAtMs?: number;
  /** Keys of older versions that stay registered, since their ids are not known. */
  readonly left: readonly LeftKey[];
}

/**
 * Replaces a certificate: new version in Key Vault → registered through Microsoft Graph, with a proof by the version in use
 * → accepted by Entra ID → after a grace period the old key is removed and its version disabled.
 *
 * Where it stands is found out each time, from the vault (versions and their tags) and from Entra ID (does it give a token?): so
 * it may stop anywhere, and a further run goes on from there. At any moment an enabled version is registered. One run at a time.
 *
 * Throws RotationBlocked where a person is needed; faults of the services pass through.
 */
export async function rotateCredential(deps: RotationDeps, options: RotationOptions): Promise<RotationReport> {
  const { certificates, apps, clock, log } = deps;
  let versions = await certificates.list();
  let newest = versions.find(version => isUsable(version, clock.now()));
  if (!newest) throw noCertificate(certificates.name);
  let isNew = (await notAccepting(apps, newest.version)).length > 0;
  if (!isNew) {
    newest = await noteAccepted(deps, newest);
    const why = reasonToReplace(newest, versions, apps, clock.now(), options.when);
    if (why !== undefined) {
      // Asked for first: a version that nobody can register would only be in the way.
      for (const app of apps) await objectIdOf(app, newest.version);
      const { version } = newest;
      log('info', {
        event: 'credential.rotation.started',
        state: why,
        certificateVersion: version,
        detail: certificates.name,
      });
      const before = new Set(versions.map(one => one.version));
      await certificates.create();
      versions = await certificates.list();
      newest = versions.find(one => !before.has(one.version) && isUsable(one, clock.now()));
      if (!newest) throw noNewVersion(certificates.name);
      log('info', {
        event: 'credential.rotation.created',
        certificateVersion: newest.version,
        detail: certificates.name,
      });
      isNew = true;
    }
  }
  const registered = isNew ? await registerEverywhere(deps, newest, versions, options) : newest;
  if (!registered) return { state: 'waiting', version: newest.version, left: [] };
  const { graceEndsAtMs, removed, left } = await removeOlder(deps, registered, versions, options.graceMs);
  const isDone = isNew || removed > 0;
  const state = graceEndsAtMs !== undefined ? 'grace' : isDone ? 'rotated' : 'current';
  if (isDone) log('info', { event: 'credential.rotation.finished', state, certificateVersion: newest.version });
  return {
    state,
    version: newest.version,
    left,
    ...(graceEndsAtMs === undefined ? {} : { nextAtMs: graceEndsAtMs }),
  };
}

/** The share of a version's life that is over, 0 to 1. */
function lifeSpent({ notBeforeMs, expiresAtMs }: CertificateVersion, nowMs: number): number {
  return Math.min(1, Math.max(0, (nowMs - notBeforeMs) / (expiresAtMs - notBeforeMs)));
}

function reasonToReplace(
  newest: CertificateVersion,
  versions: readonly CertificateVersion[],
  apps: readonly AppKeys[],
  nowMs: number,
  when: RotationOptions['when'],
): 'forced' | 'due' | 'asked' | undefined {
  if (when === 'forced') return 'forced';
  if (lifeSpent(newest, nowMs) >= LIFE_SHARE) return 'due';
  if (when === 'due' || nowMs - newest.createdAtMs < YOUNG_MS) return undefined;
  // An older key that is yet to go: that rotation is not over.
  const isOpen = versions.some(
    ({ version, isEnabled, tags }) =>
      version !== newest.version &&
      isEnabled &&
      apps.some(({ clientId }) => noteOf(tags, clientId)?.keyId !== undefined),
  );
  return isOpen ? undefined : 'asked';
}

async function registerEverywhere(
  deps: RotationDeps,
  newest: CertificateVersion,
  versions: readonly CertificateVersion[],
  options: RotationOptions,
): Promise<CertificateVersion | undefined> {
  let current = newest;
  let isWaiting = false;
  for (const app of deps.apps) {
    const registered = await registerVersion(deps, app, current, versions, options);
    if (registered) current = registered;
    else isWaiting = true;
  }
  return isWaiting ? undefined : current;
}

async function notAccepting(apps: readonly AppKeys[], version: string): Promise<AppKeys[]> {
  const found: AppKeys[] = [];
  for (const app of apps) if (!(await app.isAccepted(version))) found.push(app);
  return found;
}

/**
 * Writes down that a version is in use where nothing says so: one that an admin has registered, or a run that stopped. The
 * key's id is looked up, where that is allowed: it is wanted when this key has to go one day.
 */
async function noteAccepted(deps: RotationDeps, newest: CertificateVersion): Promise<CertificateVersion> {
  const { apps, certificates, clock } = deps;
  const { version } = newest;
  let { tags } = newest;
  for (const app of apps) {
    const note = noteOf(tags, app.clientId);
    if (note?.state === 'accepted') continue;
    // One that was removed and is known again has been registered anew, under another id.
    const known = note?.state === 'removed' ? undefined : note?.keyId;
    const keyId = known ?? keyIdIn(await app.read(version), await certificates.publicPart(version));
    const accepted = { state: 'accepted', atMs: clock.now(), ...(keyId === undefined ? {} : { keyId }) } as const;
    tags = withNote(tags, app.clientId, accepted);
  }
  if (tags !== newest.tags) await certificates.change(version, { tags });
  return { ...newest, tags };
}

function noCertificate(name: string): RotationBlocked {
  return new RotationBlocked(
    'no_certificate',
    `Key Vault has no version of ${name} that is enabled and valid today. Make one: npm run credential -- create`,
  );
}
