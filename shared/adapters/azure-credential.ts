import type { AccessToken, GetTokenOptions, TokenCredential } from '@azure/identity';
import { ServiceFailure } from '../domain/failure.ts';
import { loadOnceEach } from '../domain/load-once.ts';

/** The identity endpoint is on the same machine; @azure/identity itself sets no limit at all. */
const TIMEOUT_MS = 12_000;
/** After a failed renewal the endpoint is left alone this long while a token is in hand. */
const PAUSE_MS = 30_000;
/** The SDKs are told that a token ends this much earlier than it does; see `patientCredential`. */
const EARLY_MS = 5 * 60_000;
const UNUSABLE_MS = 30_000;

/** A credential whose `getToken` gives a token or throws. */
export interface SureCredential extends TokenCredential {
  getToken(scopes: string | string[], options?: GetTokenOptions): Promise<AccessToken>;
}

const credentialFor = loadOnceEach(async (clientId: string | undefined) =>
  patientCredential(await createCredential(clientId), () => Date.now()),
);

/**
 * The app's own identity towards Azure: the managed identity where App Service offers one (IDENTITY_ENDPOINT),
 * otherwise, on a laptop, whoever is signed in to the Azure CLI. One credential per identity, so that its token
 * cache is shared by Key Vault and storage.
 *
 * Its `getToken` throws ServiceFailure of stage `identity`, after 12 seconds at the latest.
 *
 * @param clientId of a user-assigned identity; undefined = system-assigned
 */
export function azureCredential(clientId: string | undefined): Promise<SureCredential> {
  return credentialFor(clientId);
}

/** Whether App Service offers a managed identity to this process. */
export function hasManagedIdentity(): boolean {
  // The Azure SDK reads these two variables itself; they are not settings of ours.
  return process.env['IDENTITY_ENDPOINT'] !== undefined || process.env['MSI_ENDPOINT'] !== undefined;
}

/** Whoever is signed in to the Azure CLI, asked anew: no token is remembered from before. Faults as with `azureCredential`. */
export async function cliCredential(): Promise<SureCredential> {
  const { AzureCliCredential } = await import('@azure/identity');
  return patientCredential(new AzureCliCredential({ processTimeoutInMs: TIMEOUT_MS }), () => Date.now());
}

async function createCredential(clientId: string | undefined): Promise<TokenCredential> {
  const { AzureCliCredential, ManagedIdentityCredential } = await import('@azure/identity');
  if (!hasManagedIdentity()) return new AzureCliCredential({ processTimeoutInMs: TIMEOUT_MS });
  const retryOptions = { maxRetries: 2, retryDelayInMs: 300, maxRetryDelayInMs: 2_000 };
  return new ManagedIdentityCredential({ ...(clientId === undefined ? {} : { clientId }), retryOptions });
}

/**
 * A credential with a time limit, one request in flight per scope, and a token that is used on while the endpoint is away.
 *
 * The SDKs renew in the background during a token's last two minutes and await that nowhere: a renewal that fails until
 * the end becomes an unhandled rejection, which ends the process. They are therefore told an earlier end; between
 * that and the real one they get the token in hand, and a failure reaches only those who wait for it.
 */
export function patientCredential(
  inner: TokenCredential,
  now: () => number,
  timeoutMs: number = TIMEOUT_MS,
): SureCredential {
  const held = new Map<string, Held>();
  const flights = new Map<string, Promise<Held>>();

  async function renew(key: string, scopes: string | string[], options: GetTokenOptions): Promise<Held> {
    const known = held.get(key);
    const isAlive = () => known !== undefined && known.expiresAtMs - now() > UNUSABLE_MS;
    if (known && isAlive() && now() < known.pausedUntilMs) return known;
    try {
      const token = await limit(inner.getToken(scopes, options), timeoutMs);
      if (!token) throw new Error('the managed identity gave no token');
      const expiresAtMs = token.expiresOnTimestamp;
      const earlyMs = Math.min(EARLY_MS, Math.max(0, expiresAtMs - now()) / 2);
      const fresh = { token: token.token, expiresAtMs, toldExpiresAtMs: expiresAtMs - earlyMs, pausedUntilMs: 0 };
      held.set(key, fresh);
      return fresh;
    } catch (error) {
      if (!known || !isAlive()) throw identityFailure(error);
      known.pausedUntilMs = now() + PAUSE_MS;
      return known;
    }
  }

  return {
    // The caller's abort signal is left out: others may wait for the same request.
    async getToken(scopes, { abortSignal: _own, ...options } = {}) {
      const key = JSON.stringify([scopes, options.tenantId, options.claims]);
      let flight = flights.get(key);
      if (!flight) {
        flight = renew(key, scopes, options).finally(() => flights.delete(key));
        flights.set(key, flight);
      }
      const { token, toldExpiresAtMs } = await flight;
      return { token, expiresOnTimestamp: toldExpiresAtMs };
    },
  };
}

interface Held {
  readonly token: string;
  readonly expiresAtMs: number;
  /** The end that the SDKs are told. */
  readonly toldExpiresAtMs: number;
  pausedUntilMs: number;
}

async function limit<T>(work: Promise<T>, timeoutMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    const text = `the identity endpoint did not answer within ${timeoutMs / 1000} seconds`;
    timer = setTimeout(() => {
      reject(new ServiceFailure(`managed identity: ${text}`, { stage: 'identity', errorCode: 'ETIMEDOUT', text }));
    }, timeoutMs);
  });
  try {
    // Who loses the race may still fail: `race` has taken both, so that is no unhandled rejection.
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

function identityFailure(error: unknown): ServiceFailure {
  if (error instanceof ServiceFailure) return error;
  const { message, statusCode, code } = error as { message?: unknown; statusCode?: unknown; code?: unknown };
  return new ServiceFailure(
    'managed identity: no token',
    {
      stage: 'identity',
      text: typeof message === 'string' ? message : String(error),
      ...(typeof statusCode === 'number' ? { httpStatus: statusCode } : {}),
      ...(typeof code === 'string' && code !== '' ? { errorCode: code } : {}),
    },
    { cause: error },
  );
}
