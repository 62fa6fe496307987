import type { CredentialVault } from '../../domain/credential-ports.ts';
import type { VaultConfig } from './vault-call.ts';
import { vaultReader } from './vault-reader.ts';

/** Reads the newest version of a secret. Faults are ServiceFailure, see `callVault`. */
export function vaultSecrets(config: VaultConfig): CredentialVault['secret'] {
  const reader = vaultReader(config);
  return name => reader.secret(name);
}
