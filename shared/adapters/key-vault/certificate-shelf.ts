import type { AppCertificate } from '../../domain/credential-ports.ts';
import { ServiceFailure } from '../../domain/failure.ts';
import type { Log } from '../../domain/ports.ts';
import { errorText } from '../../domain/redact.ts';
import { readCertificate } from './read-certificate.ts';
import { isUnusableVersion } from './vault-call.ts';
import type { SecretReader } from './vault-reader.ts';

/** A new version in the vault is seen within this time. */
const REFRESH_MS = 15 * 60_000;
/** After a failed read the vault is left alone this long while something usable is in hand. */
const RETRY_MS = 30_000;
/** Versions that are tried, at one read each. */
const MAX_VERSIONS = 5;

/** What the vault holds as the newest version: a certificate, or one that cannot be used, e.g. a disabled one. */
export type Newest =
  | { readonly kind: 'readable'; readonly certificate: AppCertificate }
  | { readonly kind: 'unusable'; readonly failure: ServiceFailure };

/** What is known of one certificate and its versions. While the vault is away, that is used on. */
export interface CertificateShelf {
  /** Throws when the vault is away and nothing is known. */
  newest(force: boolean, log: Log): Promise<Newest>;
  /** Ids of the versions that may serve, newest first. Without the permission to list: those that were in use here. */
  versions(force: boolean, log: Log): Promise<readonly string[]>;
  version(id: string): Promise<AppCertificate>;
  /** The next call asks the vault, whatever is known. */
  expire(): void;
}

/** Nothing known yet; `reader` is asked when something is wanted. */
export function certificateShelf(name: string, reader: SecretReader, now: () => number): CertificateShelf {
  const inHand = new Map<string, AppCertificate>();
  const previous = new Map<string, string>();
  const flights = new Map<string, Promise<unknown>>();
  let newest: { readonly value: Newest; readonly dueAtMs: number } | undefined;
  let listed: { readonly versions: readonly string[]; readonly dueAtMs: number } | undefined;
  let away: { readonly error: unknown; readonly untilMs: number } | undefined;

  /** One call in flight for each purpose; while the vault is known to be away none at all. */
  function ask<T>(purpose: string, work: () => Promise<T>): Promise<T> {
    if (away && now() < away.untilMs && inHand.size > 0) return Promise.reject(away.error);
    let flight = flights.get(purpose) as Promise<T> | undefined;
    if (!flight) {
      flight = work().finally(() => flights.delete(purpose));
      flights.set(purpose, flight);
    }
    return flight;
  }

  async function read(version?: string): Promise<AppCertificate> {
    const secret = await reader.secret(name, version);
    if (secret.previousVersion !== undefined) previous.set(secret.version, secret.previousVersion);
    const certificate = await readCertificate(name, secret);
    inHand.set(certificate.version, certificate);
    return certificate;
  }

  async function readNewest(log: Log): Promise<Newest> {
    try {
      const certificate = await read();
      log('info', {
        event: 'vault.certificate.read',
        phase: 'vault',
        detail: `${name} version ${certificate.version}`,
        daysLeft: Math.floor((certificate.notAfterMs - now()) / 86_400_000),
      });
      return { kind: 'readable', certificate };
    } catch (error) {
      if (!isUnusableVersion(error)) throw error;
      return { kind: 'unusable', failure: error };
    }
  }

  async function list(): Promise<readonly string[]> {
    const found = await reader.versions(name);
    const enabled = found.filter(({ isEnabled }) => isEnabled);
    for (const id of inHand.keys()) if (!enabled.some(({ version }) => version === id)) inHand.delete(id);
    // Times are whole seconds and the order of the list is nowhere promised: of equal ones the last listed goes first.
    return enabled
      .toReversed()
      .toSorted((one, other) => other.createdAtMs - one.createdAtMs)
      .filter(({ notBeforeMs = 0, expiresAtMs = Number.POSITIVE_INFINITY }) => {
        return notBeforeMs <= now() + REFRESH_MS && now() < expiresAtMs;
      })
      .map(({ version }) => version)
      .slice(0, MAX_VERSIONS);
  }

  return {
    async newest(force, log) {
      if (newest && !force && now() < newest.dueAtMs) return newest.value;
      try {
        const value = await ask('newest', () => readNewest(log));
        newest = { value, dueAtMs: now() + REFRESH_MS };
        away = undefined;
      } catch (error) {
        if (!newest) throw error;
        if (!away || now() >= away.untilMs) {
          away = { error, untilMs: now() + RETRY_MS };
          warn(log, 'vault.certificate.kept', `${name}: what was read last is used on`, error);
        }
      }
      return newest.value;
    },
    async versions(force, log) {
      if (listed && !force && now() < listed.dueAtMs) return listed.versions;
      try {
        listed = { versions: await ask('versions', list), dueAtMs: now() + REFRESH_MS };
        return listed.versions;
      } catch (error) {
        const known = [...(listed?.versions ?? []), ...newestFirst(inHand), ...previous.values()];
        const isForbidden = error instanceof ServiceFailure && error.facts.httpStatus === 403;
        const dueAtMs = now() + (isForbidden ? REFRESH_MS : RETRY_MS);
        listed = { versions: [...new Set(known)], dueAtMs };
        if (!away) warn(log, 'vault.versions.unlisted', `${name}: only the versions already known are tried`, error);
        return listed.versions;
      }
    },
    version(id) {
      const known = inHand.get(id);
      return known ? Promise.resolve(known) : ask(`version ${id}`, () => read(id));
    },
    expire() {
      newest &&= { ...newest, dueAtMs: 0 };
      listed &&= { ...listed, dueAtMs: 0 };
    },
  };
}

function newestFirst(certificates: ReadonlyMap<string, AppCertificate>): string[] {
  return [...certificates.values()]
    .toSorted((one, other) => other.notBeforeMs - one.notBeforeMs)
    .map(({ version }) => version);
}

function warn(log: Log, event: string, what: string, error: unknown): void {
  log('warn', { event, phase: 'vault', detail: `${what}: ${errorText(error)}` });
}
