import type { AppCertificate, CredentialVault, PassedOver } from '../../domain/credential-ports.ts';
import { ServiceFailure } from '../../domain/failure.ts';
import { codeOfError } from '../../domain/failure-code.ts';
import type { Log } from '../../domain/ports.ts';
import { type CertificateShelf, certificateShelf, type Newest } from './certificate-shelf.ts';
import type { SecretReader } from './vault-reader.ts';

const NONE: ReadonlyMap<string, string> = new Map();

/**
 * Certificates from Key Vault, kept for 15 minutes. Reading the newest version is one call and the usual way; only
 * where that version cannot be used are the others listed and tried, newest first.
 */
export function certificateCache(reader: SecretReader, now: () => number): CredentialVault['certificate'] {
  const shelves = new Map<string, CertificateShelf>();
  return (name, { force, avoid = NONE }, log) => {
    let shelf = shelves.get(name);
    if (!shelf) {
      shelf = certificateShelf(name, reader, now);
      shelves.set(name, shelf);
    }
    return choose(name, shelf, force, avoid, now, log);
  };
}

async function choose(
  name: string,
  shelf: CertificateShelf,
  force: boolean,
  avoid: ReadonlyMap<string, string>,
  now: () => number,
  log: Log,
): Promise<AppCertificate> {
  let newest = await shelf.newest(force, log);
  // It ran out since it was read: by now there is a newer one, if anybody has seen to it.
  if (newest.kind === 'readable' && now() >= newest.certificate.notAfterMs) newest = await shelf.newest(true, log);
  const own = newest.kind === 'readable' ? newest.certificate : undefined;
  const passedOver = whyNot(newest, avoid, now());
  if (own && !passedOver) return own;
  // Refused by Entra, yet still better than nothing: the app registration may have learnt of it by now.
  let lastResort = passedOver?.reason === 'refused' ? own : undefined;
  for (const version of await shelf.versions(force, log)) {
    if (version === own?.version) continue;
    // A version that cannot be read is passed over: the failure of the newest one says what is wrong.
    const other = await shelf.version(version).catch(() => undefined);
    if (!other || timeFault(other, now())) continue;
    const standIn = passedOver ? { ...other, standsInFor: passedOver } : other;
    if (!avoid.has(version)) return standIn;
    lastResort ??= standIn;
  }
  if (lastResort) return lastResort;
  shelf.expire();
  throw newest.kind === 'unusable' ? newest.failure : outOfTime(name, newest.certificate, now());
}

/** Why the newest version does not serve; undefined when it does. */
function whyNot(newest: Newest, avoid: ReadonlyMap<string, string>, nowMs: number): PassedOver | undefined {
  if (newest.kind === 'unusable') {
    const code = codeOfError(newest.failure);
    return { reason: code === 'vault_version_disabled' ? 'disabled' : 'unusable', code };
  }
  const { certificate } = newest;
  const { version } = certificate;
  switch (timeFault(certificate, nowMs)) {
    case 'expired':
      return { reason: 'expired', version, code: 'vault_certificate_expired' };
    case 'notYetValid':
      return { reason: 'notYetValid', version };
  }
  const code = avoid.get(version);
  return code === undefined ? undefined : { reason: 'refused', version, code };
}

function timeFault(certificate: AppCertificate, nowMs: number): 'expired' | 'notYetValid' | undefined {
  if (nowMs >= certificate.notAfterMs) return 'expired';
  return nowMs < certificate.notBeforeMs ? 'notYetValid' : undefined;
}

function outOfTime(name: string, certificate: AppCertificate, nowMs: number): ServiceFailure {
  const text =
    nowMs >= certificate.notAfterMs
      ? `${name} expired at ${new Date(certificate.notAfterMs).toISOString()}, and no other version is valid`
      : `${name} is not valid before ${new Date(certificate.notBeforeMs).toISOString()}, and no other version is valid`;
  return new ServiceFailure(`Key Vault: ${text}`, { stage: 'vault', errorCode: 'vault_certificate_expired', text });
}
