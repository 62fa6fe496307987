import { type CredentialStates, credentialStates } from '../shared/adapters/entra/credential-states.ts';
import { tokenSource } from '../shared/adapters/entra/token-source.ts';
import { federatedToken } from '../shared/adapters/federated-token.ts';
import { certificateCache } from '../shared/adapters/key-vault/certificate-cache.ts';
import { vaultReader } from '../shared/adapters/key-vault/vault-reader.ts';
import { vaultSigner } from '../shared/adapters/key-vault/vault-signer.ts';
import { sessionPool } from '../shared/adapters/smtp/session-pool.ts';
import { type SmtpTransport, smtpTransport } from '../shared/adapters/smtp/smtp-transport.ts';
import type { Settings } from '../shared/config/settings.ts';
import type { ConnectionSlots } from '../shared/domain/mailbox-ports.ts';
import type { Clock } from '../shared/domain/ports.ts';

/** Key Vault → Entra ID → SMTP, put together for one process. */
export function makeTransport(
  settings: Settings,
  clock: Clock,
  connections: {
    readonly slots: ConnectionSlots;
    readonly isWanted: (mailbox: string, slot: number) => boolean;
    readonly look: (mailbox: string) => Promise<unknown>;
  },
  states: CredentialStates = credentialStates(clock.now),
): SmtpTransport {
  const secrets = vaultReader(settings.vault);
  const tokens = tokenSource({
    ...settings.entra,
    vault: {
      secret: name => secrets.secret(name),
      certificate: certificateCache(secrets, clock.now),
      sign: vaultSigner(settings.vault),
    },
    federatedToken: federatedToken(settings.vault.clientId),
    states,
    now: clock.now,
  });
  return smtpTransport(
    settings.smtp,
    tokens,
    sessionPool(clock.now, connections.slots, connections.isWanted, connections.look),
    clock.now,
  );
}
