import { AsyncLocalStorage } from 'node:async_hooks';
import type { SecretClient } from '@azure/keyvault-secrets';
import type { CredentialVault } from '../../domain/credential-ports.ts';
import type { FailureFacts } from '../../domain/diagnosis/diagnosis.ts';
import { ServiceFailure } from '../../domain/failure.ts';
import { azureCredential } from '../azure-credential.ts';

export interface VaultConfig {
  /** https://NAME.vault.azure.net */
  readonly url: string;
  /** Client id of the user-assigned identity; absent = system-assigned. */
  readonly clientId?: string;
}

const TIMEOUT_MS = 15_000;
/** Suffixes for which the SDK may check that the challenge's resource is the vault's own domain. */
const VAULT_DOMAINS = ['.vault.azure.net', '.vault.azure.cn', '.vault.usgovcloudapi.net', '.managedhsm.azure.net'];

/** Whether the SDK must be told not to compare the challenge's resource with the host: a vault under another name, e.g. a private endpoint's. */
export function isForeignVaultHost(url: string): boolean {
  const host = new URL(url).hostname;
  return !VAULT_DOMAINS.some(domain => host.endsWith(domain));
}

/**
 * Reads the newest version of a secret, or of a certificate through the secret behind it.
 *
 * Throws ServiceFailure with stage `identity` when the app could not prove who it is, else `vault`.
 */
export function vaultSecrets(config: VaultConfig): CredentialVault['secret'] {
  let client: Promise<SecretClient> | undefined;
  return async name => {
    const answer: LastAnswer = {};
    try {
      client ??= openClient(config).catch((error: unknown) => {
        client = undefined;
        throw error;
      });
      const opened = await client;
      const secret = await lastAnswers.run(answer, () =>
        opened.getSecret(name, { abortSignal: AbortSignal.timeout(TIMEOUT_MS) }),
      );
      return {
        value: secret.value ?? '',
        contentType: secret.properties.contentType ?? '',
        version: secret.properties.version ?? '',
        ...(secret.properties.expiresOn ? { expiresAtMs: secret.properties.expiresOn.getTime() } : {}),
        ...(secret.properties.certificateKeyId === undefined ? {} : { keyId: secret.properties.certificateKeyId }),
      };
    } catch (error) {
      throw vaultFailure(`read ${name}`, error, answer.status);
    }
  };
}

interface LastAnswer {
  status?: number;
}

/** The status of the vault's last answer in a call: an error page without the expected JSON makes the SDK throw a TypeError that has lost it. */
const lastAnswers = new AsyncLocalStorage<LastAnswer>();

async function openClient(config: VaultConfig): Promise<SecretClient> {
  const { SecretClient } = await import('@azure/keyvault-secrets');
  return new SecretClient(config.url, await azureCredential(config.clientId), {
    disableChallengeResourceVerification: isForeignVaultHost(config.url),
    retryOptions: { maxRetries: 2, retryDelayInMs: 200, maxRetryDelayInMs: 2_000 },
    additionalPolicies: [
      {
        position: 'perRetry',
        policy: {
          name: 'lastAnswer',
          async sendRequest(request, next) {
            const response = await next(request);
            const answer = lastAnswers.getStore();
            if (answer) answer.status = response.status;
            return response;
          },
        },
      },
    ],
  });
}

/** An SDK error as facts. Identity errors pass through the Key Vault client, and are told apart by their names. */
export function vaultFailure(operation: string, error: unknown, lastStatus?: number): ServiceFailure {
  if (error instanceof ServiceFailure) return error;
  const source = error as { name?: unknown; statusCode?: unknown; code?: unknown; message?: unknown };
  const isIdentity =
    typeof source.name === 'string' &&
    /^(CredentialUnavailable|Authentication|AggregateAuthentication|ManagedIdentity|ClientAuth|Server|Interaction)/.test(
      source.name,
    );
  const failedStatus = lastStatus !== undefined && lastStatus >= 400 ? lastStatus : undefined;
  const status = typeof source.statusCode === 'number' ? source.statusCode : isIdentity ? undefined : failedStatus;
  const aborted = source.name === 'AbortError';
  const errorCode = aborted
    ? 'ETIMEDOUT'
    : typeof source.code === 'string' && source.code !== ''
      ? source.code
      : undefined;
  const facts: FailureFacts = {
    stage: isIdentity ? 'identity' : 'vault',
    text: typeof source.message === 'string' ? source.message : String(error),
    ...(status === undefined ? {} : { httpStatus: status }),
    ...(errorCode === undefined ? {} : { errorCode }),
  };
  const what = isIdentity ? 'managed identity' : 'Key Vault';
  return new ServiceFailure(`${what}: ${operation} failed${status === undefined ? '' : ` with ${status}`}`, facts, {
    cause: error,
  });
}
