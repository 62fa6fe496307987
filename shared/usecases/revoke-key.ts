import { noteOf, withNote } from '../domain/key-note.ts';
import { RotationBlocked } from '../domain/rotation-ports.ts';
import { keyIdIn, objectIdOf, type RotationDeps, signerFor } from './rotation-parts.ts';

/**
 * Takes one key out of an app registration, now, and disables the version that it belongs to. The proof is by another version,
 * which stays: without one the app could not sign in any more, and RotationBlocked is thrown.
 *
 * @param isForced also where it cannot be told which version the key belongs to, so that it may be the last one
 * @returns the versions that were disabled
 */
export async function revokeKey(
  { certificates, apps, clock, log }: RotationDeps,
  keyId: string,
  isForced: boolean,
): Promise<readonly string[]> {
  const [app, ...others] = apps;
  if (!app || others.length > 0) throw new Error('A key belongs to one app; name it.');
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
  for (const { version, tags } of versions.filter(one => owners.includes(one.version))) {
    const note = { state: 'removed', atMs: clock.now(), keyId } as const;
    await certificates.change(version, { tags: withNote(tags, app.clientId, note), isEnabled: false });
  }
  return owners;
}

const sameId = (one: string | undefined, other: string): boolean => one?.toLowerCase() === other.toLowerCase();
