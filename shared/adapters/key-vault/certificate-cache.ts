import type { AppCertificate, CredentialVault } from '../../domain/credential-ports.ts';
import { redact } from '../../domain/redact.ts';
import { readCertificate } from './certificate-pem.ts';

/** A new version in the vault is seen within this time. */
const REFRESH_MS = 15 * 60_000;
/** After a failed read the vault is left alone this long while a usable certificate is in hand. */
const RETRY_MS = 30_000;

/**
 * Certificates from Key Vault, kept for 15 minutes. While the vault is away the last good one serves on; the vault is
 * not on the way of every mail.
 */
export function certificateCache(
  readSecret: CredentialVault['secret'],
  now: () => number,
): CredentialVault['certificate'] {
  const kept = new Map<string, { certificate: AppCertificate; dueAtMs: number }>();
  const reading = new Map<string, Promise<AppCertificate>>();

  return async (name, { force }, log) => {
    const known = kept.get(name);
    if (known && !force && now() < known.dueAtMs) return known.certificate;
    let pending = reading.get(name);
    if (!pending) {
      pending = readSecret(name)
        .then(secret => readCertificate(name, secret))
        .then(certificate => {
          kept.set(name, { certificate, dueAtMs: now() + REFRESH_MS });
          log('info', {
            event: 'vault.certificate.read',
            phase: 'vault',
            detail: `${name} version ${certificate.version}`,
            daysLeft: Math.floor((certificate.notAfterMs - now()) / 86_400_000),
          });
          return certificate;
        })
        .finally(() => reading.delete(name));
      reading.set(name, pending);
    }
    try {
      return await pending;
    } catch (error) {
      if (!known || now() >= known.certificate.notAfterMs) throw error;
      known.dueAtMs = now() + RETRY_MS;
      log('warn', {
        event: 'vault.certificate.kept',
        phase: 'vault',
        detail: `the last one read is used on: ${redact(error instanceof Error ? error.message : String(error), 300)}`,
      });
      return known.certificate;
    }
  };
}
