import { AsyncLocalStorage } from 'node:async_hooks';
import type { SecretClientOptions } from '@azure/keyvault-secrets';
import type { FailureFacts } from '../../domain/diagnosis/diagnosis.ts';
import { ServiceFailure } from '../../domain/failure.ts';
import { codeOfError } from '../../domain/failure-code.ts';
import { azureCredential, type SureCredential } from '../azure-credential.ts';

export interface VaultConfig {
  /** https://NAME.vault.azure.net */
  readonly url: string;
  /** Client id of the user-assigned identity; absent = system-assigned. */
  readonly clientId?: string;
  /** In place of the app's usual credential, whose token may be a day old. */
  readonly credential?: () => Promise<SureCredential>;
}

/** What the clients of this vault prove themselves with. */
export function credentialOf(config: VaultConfig): Promise<SureCredential> {
  return config.credential?.() ?? azureCredential(config.clientId);
}

/** For one operation with its retries and the token of the identity. */
const TIMEOUT_MS = 15_000;
/** Suffixes for which the SDK may check that the challenge's resource is the vault's own domain. */
const VAULT_DOMAINS = ['.vault.azure.net', '.vault.azure.cn', '.vault.usgovcloudapi.net', '.managedhsm.azure.net'];

interface LastAnswer {
  status?: number;
  retryAfterMs?: number;
}

/**
 * The vault's last answer in a call. An error page without the expected JSON makes the SDK throw a TypeError that has
 * lost the status, and a wait for Retry-After that outlasts the time limit ends as an abort that has lost it, too.
 */
const lastAnswers = new AsyncLocalStorage<LastAnswer>();

/**
 * Runs one operation on the vault under a time limit.
 *
 * Throws ServiceFailure with stage `identity` when the app could not prove who it is, else `vault`.
 */
export async function callVault<T>(
  operation: string,
  call: (options: { readonly abortSignal: AbortSignal }) => Promise<T>,
): Promise<T> {
  const answer: LastAnswer = {};
  try {
    return await lastAnswers.run(answer, () => call({ abortSignal: AbortSignal.timeout(TIMEOUT_MS) }));
  } catch (error) {
    throw vaultFailure(operation, error, answer);
  }
}

/** Options of both vault clients. */
export function clientOptions({ url }: VaultConfig): SecretClientOptions {
  const host = new URL(url).hostname;
  return {
    // A vault under another name, e.g. a private endpoint's, is not of the domain that its challenge names.
    disableChallengeResourceVerification: !VAULT_DOMAINS.some(domain => host.endsWith(domain)),
    retryOptions: { maxRetries: 2, retryDelayInMs: 200, maxRetryDelayInMs: 2_000 },
    additionalPolicies: [
      {
        position: 'perRetry',
        policy: {
          name: 'lastAnswer',
          async sendRequest(request, next) {
            const answer = lastAnswers.getStore() ?? {};
            // Cleared first: the 401 that asks for a token says nothing about a request that then gets no answer.
            delete answer.status;
            delete answer.retryAfterMs;
            const response = await next(request);
            answer.status = response.status;
            const retryAfter = Number(response.headers.get('retry-after'));
            if (Number.isFinite(retryAfter) && retryAfter > 0) answer.retryAfterMs = retryAfter * 1000;
            return response;
          },
        },
      },
    ],
  };
}

/** Whether the failure is about this one version: disabled, out of its time, unreadable. Another version may serve. */
export function isUnusableVersion(error: unknown): error is ServiceFailure {
  return error instanceof ServiceFailure && error.facts.stage === 'vault' && UNUSABLE.has(codeOfError(error));
}

const UNUSABLE = new Set([
  'vault_version_disabled',
  'vault_certificate_expired',
  'vault_key_unsuitable',
  'vault_content_unreadable',
]);

/** An SDK error as facts. Identity errors pass through the Key Vault client; ours are ServiceFailure already. */
function vaultFailure(operation: string, error: unknown, answer: LastAnswer): ServiceFailure {
  if (error instanceof ServiceFailure) return error;
  const source = error as { name?: unknown; statusCode?: unknown; code?: unknown; message?: unknown };
  const text = typeof source.message === 'string' ? source.message : String(error);
  const failed = answer.status !== undefined && answer.status >= 400 ? answer : {};
  const status = typeof source.statusCode === 'number' ? source.statusCode : failed.status;
  const errorCode = errorCodeOf(source, text, failed.status);
  const facts: FailureFacts = {
    stage: 'vault',
    text,
    ...(status === undefined ? {} : { httpStatus: status }),
    ...(errorCode === undefined ? {} : { errorCode }),
    ...(failed.retryAfterMs === undefined ? {} : { retryAfterMs: failed.retryAfterMs }),
  };
  return new ServiceFailure(
    `Key Vault: ${operation} failed${status === undefined ? '' : ` with ${status}`}${errorCode === undefined ? '' : ` (${errorCode})`}`,
    facts,
    { cause: error },
  );
}

function errorCodeOf(
  source: { readonly name?: unknown; readonly code?: unknown },
  text: string,
  failedStatus: number | undefined,
): string | undefined {
  // What the signing client refuses by itself, having looked at the key: plain errors, told apart by their text.
  if (/^Key \S+ expired at /.test(text)) return 'KeyExpired';
  if (/^Key \S+ can't be used before /.test(text)) return 'KeyNotYetValid';
  if (/^Operation \w+ is not supported on key /.test(text)) return 'vault_key_unsuitable';
  if (source.name === 'AbortError' || source.name === 'TimeoutError')
    return failedStatus === undefined ? 'ETIMEDOUT' : undefined;
  return typeof source.code === 'string' && source.code !== '' ? source.code : undefined;
}
