import { noteOf, withNote } from '../domain/key-note.ts';
import { type AppKeys, RotationBlocked } from '../domain/rotation-ports.ts';
import { isUsable, keyIdIn, objectIdOf, type RotationDeps, signerFor } from './rotation-parts.ts';

interface Revocation {
  /** Versions that the key belonged to, now disabled. */
  readonly disabled: readonly string[];
  /** Those that stay enabled, since other apps sign in with them. */
  readonly kept: readonly { readonly version: string; readonly usedBy: readonly string[] }[];
}

/**
 * Takes one key out of an app registration, now, and disables the version that it belongs to, unless another app signs in with that. The proof is by another version,
 * which stays: without one the app could not sign in any more, and RotationBlocked is thrown.
 *
 * @param app the one whose registration has the key
 * @param isForced also where it cannot be told which version the key belongs to, so that it may be the last one
 */
export async function revokeKey(
  { certificates, apps, clock, log }: RotationDeps,
  app: AppKeys,
  keyId: string,
  isForced: boolean,
): Promise<Revocation> {
  const versions = await certificates.list();
  const current = await signerFor(app, versions, undefined, clock.now());
  const registration = current && (await app.read(current.version));
  const owners: string[] = [];
  for (const { version, tags } of versions) {
    const noted = noteOf(tags, app.clientId)?.keyId;
    const found = registration ? keyIdIn(registration, await certificates.publicPart(version)) : undefined;
    if (sameId(found ?? noted, keyId)) owners.push(version);
  }
  const keepers = versions.filter(({ version }) => !owners.includes(version));
  const signer = await signerFor(app, keepers, undefined, clock.now());
  if (!signer) {
    throw new RotationBlocked(
      'would_lock_out',
      `No other version of ${certificates.name} is registered: without this key the app ${app.clientId} could not sign in. First: npm run credential -- rotate --force`,
    );
  }
  const isKnown = owners.length > 0 || registration || noteOf(signer.tags, app.clientId)?.keyId !== undefined;
  if (!isKnown && !isForced) {
    throw new RotationBlocked(
      'would_lock_out',
      `Nothing says which version the key ${keyId} belongs to; it may be the one in use. Compare with: az ad app credential list --id ${app.clientId} --cert. With --force it is taken away all the same.`,
    );
  }
  await app.remove(await objectIdOf(app, signer.version), keyId, signer.version);
  log('warn', { event: 'credential.key.revoked', detail: `${certificates.name}, app ${app.clientId}, key ${keyId}` });
  const disabled: string[] = [];
  const kept: { version: string; usedBy: string[] }[] = [];
  for (const version of versions.filter(one => owners.includes(one.version))) {
    const note = { state: 'removed', atMs: clock.now(), keyId } as const;
    const tags = withNote(version.tags, app.clientId, note);
    const usedBy = isUsable(version, clock.now()) ? await thoseAccepted(apps, app, version.version) : [];
    await certificates.change(version.version, { tags, ...(usedBy.length === 0 ? { isEnabled: false } : {}) });
    if (usedBy.length === 0) disabled.push(version.version);
    else kept.push({ version: version.version, usedBy });
  }
  return { disabled, kept };
}

/** The other apps that sign in with this version. */
async function thoseAccepted(apps: readonly AppKeys[], but: AppKeys, version: string): Promise<string[]> {
  const found: string[] = [];
  for (const app of apps) if (app !== but && (await app.isAccepted(version))) found.push(app.clientId);
  return found;
}

const sameId = (one: string | undefined, other: string): boolean => one?.toLowerCase() === other.toLowerCase();
