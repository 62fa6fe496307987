import type { CryptographyClient } from '@azure/keyvault-keys';
import type { CredentialVault } from '../../domain/credential-ports.ts';
import { azureCredential } from '../azure-credential.ts';
import { isForeignVaultHost, type VaultConfig, vaultFailure } from './vault-secrets.ts';

/** Signs with keys that stay in the vault; one client per key version. */
export function vaultSigner(config: VaultConfig): CredentialVault['sign'] {
  const clients = new Map<string, Promise<CryptographyClient>>();
  return async (keyId, digest) => {
    let client = clients.get(keyId);
    if (!client) {
      client = openClient(config, keyId);
      clients.set(keyId, client);
      client.catch(() => clients.delete(keyId));
    }
    try {
      const signed = await (await client).sign('PS256', digest, { abortSignal: AbortSignal.timeout(15_000) });
      return signed.result;
    } catch (error) {
      throw vaultFailure('sign with the key of the certificate', error);
    }
  };
}

async function openClient(config: VaultConfig, keyId: string): Promise<CryptographyClient> {
  const { CryptographyClient } = await import('@azure/keyvault-keys');
  return new CryptographyClient(keyId, await azureCredential(config.clientId), {
    disableChallengeResourceVerification: isForeignVaultHost(config.url),
  });
}
