import type { SecretClient, SecretProperties } from '@azure/keyvault-secrets';
import type { VaultSecret, VaultSecretVersion } from '../../domain/credential-ports.ts';
import { loadOnce } from '../../domain/load-once.ts';
import { callVault, clientOptions, credentialOf, type VaultConfig } from './vault-call.ts';

/** Reads secrets, and certificates through the secrets behind them. Faults are ServiceFailure, see `callVault`. */
export interface SecretReader {
  /** One version; the newest when none is named. */
  secret(name: string, version?: string): Promise<VaultSecret>;
  /** All versions, in no order. Needs the permission to list; roles that may read secrets have it, access policies may not. */
  versions(name: string): Promise<readonly VaultSecretVersion[]>;
}

/** Reads from one vault, with one client that is made when it is first needed. */
export function vaultReader(config: VaultConfig): SecretReader {
  const open = loadOnce(() => openClient(config));
  return {
    secret: (name, version) =>
      callVault(`read ${name}`, async options => {
        const opened = await open();
        const { value, properties } = await opened.getSecret(
          name,
          version === undefined ? options : { ...options, version },
        );
        return {
          value: value ?? '',
          contentType: properties.contentType ?? '',
          version: properties.version ?? '',
          ...validityOf(properties),
          ...(properties.certificateKeyId === undefined ? {} : { keyId: properties.certificateKeyId }),
          ...(properties.previousVersion === undefined ? {} : { previousVersion: properties.previousVersion }),
        };
      }),
    versions: name =>
      callVault(`list the versions of ${name}`, async options => {
        const opened = await open();
        const found: VaultSecretVersion[] = [];
        for await (const properties of opened.listPropertiesOfSecretVersions(name, options)) {
          found.push({
            version: properties.version ?? '',
            isEnabled: properties.enabled !== false,
            createdAtMs: properties.createdOn?.getTime() ?? 0,
            ...validityOf(properties),
          });
        }
        return found;
      }),
  };
}

function validityOf({ notBefore, expiresOn }: SecretProperties): { notBeforeMs?: number; expiresAtMs?: number } {
  return {
    ...(notBefore ? { notBeforeMs: notBefore.getTime() } : {}),
    ...(expiresOn ? { expiresAtMs: expiresOn.getTime() } : {}),
  };
}

async function openClient(config: VaultConfig): Promise<SecretClient> {
  const { SecretClient } = await import('@azure/keyvault-secrets');
  return new SecretClient(config.url, await credentialOf(config), clientOptions(config));
}
