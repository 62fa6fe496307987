import type { CryptographyClient } from '@azure/keyvault-keys';
import type { CredentialVault } from '../../domain/credential-ports.ts';
import { loadOnceEach } from '../../domain/load-once.ts';
import { callVault, clientOptions, credentialOf, type VaultConfig } from './vault-call.ts';

/**
 * Signs with keys that stay in the vault; one client per key version.
 *
 * @param algorithm RFC 7518: PS256 for client assertions, RS256 for proofs towards Microsoft Graph
 */
export function vaultSigner(config: VaultConfig, algorithm: 'PS256' | 'RS256' = 'PS256'): CredentialVault['sign'] {
  const clientOf = loadOnceEach((keyId: string) => openClient(config, keyId));
  return (keyId, digest) =>
    callVault('sign with the key of the certificate', async options => {
      const signed = await (await clientOf(keyId)).sign(algorithm, digest, options);
      return signed.result;
    });
}

async function openClient(config: VaultConfig, keyId: string): Promise<CryptographyClient> {
  const { CryptographyClient } = await import('@azure/keyvault-keys');
  return new CryptographyClient(keyId, await credentialOf(config), clientOptions(config));
}
