import { tokenSource } from '../shared/adapters/entra/token-source.ts';
import { federatedToken } from '../shared/adapters/federated-token.ts';
import { certificateCache } from '../shared/adapters/key-vault/certificate-cache.ts';
import { vaultSecrets } from '../shared/adapters/key-vault/vault-secrets.ts';
import { vaultSigner } from '../shared/adapters/key-vault/vault-signer.ts';
import { sessionPool } from '../shared/adapters/smtp/session-pool.ts';
import { smtpTransport } from '../shared/adapters/smtp/smtp-transport.ts';
import type { Settings } from '../shared/config/settings.ts';
import type { Clock, MailTransport } from '../shared/domain/ports.ts';

/** Key Vault → Entra ID → SMTP, put together for one process. */
export function makeTransport(settings: Settings, clock: Clock): MailTransport {
  const secret = vaultSecrets(settings.vault);
  const tokens = tokenSource({
    ...settings.entra,
    vault: { secret, certificate: certificateCache(secret, clock.now), sign: vaultSigner(settings.vault) },
    federatedToken: federatedToken(settings.vault.clientId),
    now: clock.now,
  });
  return smtpTransport(settings.smtp, tokens, sessionPool(clock.now), clock.now);
}
