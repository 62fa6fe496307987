import { type KeyNote, noteOf, withNote } from '../domain/key-note.ts';
import { type AppKeys, type CertificateVersion, GraphFailure, RotationBlocked } from '../domain/rotation-ports.ts';
import { keyIdIn, objectIdOf, type RotationDeps, signerFor } from './rotation-parts.ts';

/** Between two questions whether Entra ID knows the key by now. */
const POLL_MS = 3_000;
const CONFIRM_MS = 500;
/** One yes may come from the one server that has heard of the key. */
const CONFIRMATIONS = 3;
/** A key that has been taken and is not known after this time is added again; earlier, one server merely lags behind. */
const LOST_MS = 24 * 3_600_000;

export interface RegisterOptions {
  /** How long a run waits until Entra ID accepts the new key, ms. */
  readonly waitMs: number;
  /** How long a lost answer to addKey may yet turn out to have been a yes, ms. */
  readonly settleMs: number;
}

/**
 * Sees to it that one app is known by one version: adds its public part to the app registration, with a proof by another
 * version, and waits until Entra ID gives a token for it. May be called again at any time.
 *
 * @returns the version with its note, or undefined when Entra ID does not accept it yet
 */
export async function registerVersion(
  deps: RotationDeps,
  app: AppKeys,
  version: CertificateVersion,
  versions: readonly CertificateVersion[],
  { waitMs, settleMs }: RegisterOptions,
): Promise<CertificateVersion | undefined> {
  const { certificates, clock } = deps;
  const endMs = clock.now() + waitMs;
  let current = version;
  const note = () => noteOf(current.tags, app.clientId);
  const write = async (state: KeyNote['state'] | undefined, keyId?: string): Promise<void> => {
    const fresh = state && { state, atMs: clock.now(), ...(keyId === undefined ? {} : { keyId }) };
    const tags = withNote(current.tags, app.clientId, fresh);
    await certificates.change(current.version, { tags });
    current = { ...current, tags };
  };
  const publicPart = () => certificates.publicPart(current.version);
  const accept = async (): Promise<CertificateVersion> => {
    // Unknown when addKey's answer was lost; it is wanted when this key has to go one day.
    await write('accepted', note()?.keyId ?? keyIdIn(await app.read(current.version), await publicPart()));
    tell(deps, 'accepted', app, current);
    return current;
  };

  if (await app.isAccepted(current.version)) {
    return note()?.state === 'accepted' ? current : (await isSettled(deps, app, current, endMs)) ? accept() : undefined;
  }
  const signer = await signerFor(app, versions, current.version, clock.now());
  const before = note();
  const ageMs = before ? clock.now() - before.atMs : 0;
  if (before?.state === 'adding') {
    const keyId = keyIdIn(signer && (await app.read(signer.version)), await publicPart());
    if (keyId !== undefined) await write('added', keyId);
    else if (ageMs < settleMs) {
      // The answer to addKey was lost: adding the key twice would leave one that nobody can take away.
      if (await isSettled(deps, app, current, Math.min(endMs, before.atMs + settleMs))) return accept();
      if (clock.now() < before.atMs + settleMs) return undefined;
    }
  }
  const isTaken = note()?.state === 'added' || note()?.state === 'accepted';
  if (!isTaken || ageMs >= LOST_MS) {
    if (!signer) throw unregistered(app, certificates.name, current.version);
    const objectId = await objectIdOf(app, signer.version);
    const lost = isTaken ? note()?.keyId : undefined;
    if (lost !== undefined) await app.remove(objectId, lost, signer.version);
    const certificate = await publicPart();
    await write('adding');
    let keyId: string | undefined;
    try {
      keyId = await app.add(objectId, certificate, signer.version);
    } catch (error) {
      // Refused for certain: the next run need not wait whether it was done after all.
      if (error instanceof GraphFailure && isRefusal(error)) await write(undefined);
      throw error;
    }
    await write('added', keyId ?? keyIdIn(await app.read(signer.version), certificate));
    tell(deps, 'key.added', app, current);
  }
  if (await isSettled(deps, app, current, endMs)) return accept();
  // With no other version the app is locked out, and waiting is no remedy.
  if (!signer) throw unregistered(app, certificates.name, current.version);
  tell(deps, 'waiting', app, current);
  return undefined;
}

/** Waits until Entra ID has said yes a few times running, or the time is over. */
async function isSettled(
  { clock }: RotationDeps,
  app: AppKeys,
  { version }: CertificateVersion,
  endMs: number,
): Promise<boolean> {
  for (let yes = 0; ; ) {
    yes = (await app.isAccepted(version)) ? yes + 1 : 0;
    if (yes >= CONFIRMATIONS) return true;
    if (clock.now() >= endMs) return false;
    await clock.sleep(yes > 0 ? CONFIRM_MS : POLL_MS);
  }
}

const isRefusal = ({ status }: GraphFailure): boolean => status !== undefined && status >= 400 && status < 500;

function tell({ log, certificates }: RotationDeps, what: string, app: AppKeys, version: CertificateVersion): void {
  const keyId = noteOf(version.tags, app.clientId)?.keyId;
  log('info', {
    event: `credential.rotation.${what}`,
    certificateVersion: version.version,
    detail: `${certificates.name}, app ${app.clientId}${keyId === undefined ? '' : `, key ${keyId}`}`,
  });
}

function unregistered({ clientId }: AppKeys, name: string, version: string): RotationBlocked {
  return new RotationBlocked(
    'no_registered_version',
    `Entra ID knows no version of ${name} for the app ${clientId}, so none can vouch for ${version}. An admin has to register it: npm run credential -- create prints the commands.`,
  );
}
