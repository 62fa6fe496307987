import { AsyncLocalStorage } from 'node:async_hooks';
import type { INetworkModule, NetworkRequestOptions, NetworkResponse } from '@azure/msal-node';
import { ServiceFailure } from '../../domain/failure.ts';
import { cliCredential, hasManagedIdentity, type SureCredential } from '../azure-credential.ts';

const TIMEOUT_MS = 10_000;

/**
 * The app's identity towards Azure, asked anew: the managed identity by msal-node with `forceRefresh`, which looks into no cache
 * (that of `@azure/identity` is the process's, and a token in it hides an identity taken away for up to a day); without a
 * managed identity whoever is signed in to the Azure CLI. Each resource is asked for once in the life of this object.
 *
 * `getToken` throws ServiceFailure of stage `identity`, after 10 seconds at the latest.
 *
 * @param clientId of a user-assigned identity; undefined = system-assigned
 */
export function freshIdentity(clientId: string | undefined, timeoutMs = TIMEOUT_MS): SureCredential {
  const asked = new Map<string, ReturnType<SureCredential['getToken']>>();
  return {
    getToken(scopes) {
      const resource = [scopes].flat()[0]?.replace(/\/\.default$/, '') ?? '';
      let answer = asked.get(resource);
      if (!answer) {
        answer = hasManagedIdentity()
          ? askEndpoint(clientId, resource, timeoutMs)
          : cliCredential().then(credential => credential.getToken(`${resource}/.default`));
        asked.set(resource, answer);
      }
      return answer;
    },
  };
}

async function askEndpoint(clientId: string | undefined, resource: string, timeoutMs: number) {
  const { ManagedIdentityApplication } = await import('@azure/msal-node');
  const last: LastAnswer = { timeoutMs };
  try {
    const application = new ManagedIdentityApplication({
      ...(clientId === undefined ? {} : { managedIdentityIdParams: { userAssignedClientId: clientId } }),
      system: { networkClient, disableInternalRetries: true },
    });
    const asked = () => application.acquireToken({ resource, forceRefresh: true });
    const { accessToken, expiresOn } = await lastAnswers.run(last, asked);
    return { token: accessToken, expiresOnTimestamp: expiresOn?.getTime() ?? Date.now() + 5 * 60_000 };
  } catch (error) {
    throw identityFailure(error, last);
  }
}

interface LastAnswer {
  readonly timeoutMs: number;
  status?: number;
  text?: string;
  networkCode?: string;
}

/**
 * The endpoint's last answer in a call. Not a client for each call: MSAL keeps the network client of the first one for
 * the whole process.
 */
const lastAnswers = new AsyncLocalStorage<LastAnswer>();

const networkClient: INetworkModule = {
  sendGetRequestAsync: (url, options) => send('GET', url, options),
  sendPostRequestAsync: (url, options) => send('POST', url, options),
};

async function send<T>(method: 'GET' | 'POST', url: string, options?: NetworkRequestOptions) {
  const last = lastAnswers.getStore() ?? { timeoutMs: TIMEOUT_MS };
  try {
    const response = await fetch(url, {
      method,
      ...(options?.headers ? { headers: options.headers } : {}),
      ...(method === 'POST' && options?.body !== undefined ? { body: options.body } : {}),
      signal: AbortSignal.timeout(last.timeoutMs),
      redirect: 'error',
    });
    last.status = response.status;
    last.text = await response.text();
    const body = JSON.parse(last.text) as T;
    return { headers: Object.fromEntries(response.headers), body, status: response.status } as NetworkResponse<T>;
  } catch (error) {
    const { name, cause } = error as { name?: unknown; cause?: { code?: unknown } };
    if (name === 'TimeoutError') last.networkCode = 'ETIMEDOUT';
    else if (typeof cause?.code === 'string') last.networkCode = cause.code;
    throw error;
  }
}

function identityFailure(error: unknown, last: LastAnswer): ServiceFailure {
  if (error instanceof ServiceFailure) return error;
  const { errorCode, errorMessage, message } = error as Record<string, unknown>;
  const failed = last.status !== undefined && last.status >= 400;
  const answered = `the identity endpoint answered ${last.status}`;
  const said = failed ? [messageIn(last.text), answered] : [errorMessage, message];
  const code = last.networkCode ?? (failed ? undefined : errorCode);
  return new ServiceFailure(
    'managed identity: no token',
    {
      stage: 'identity',
      text: String(said.find(part => typeof part === 'string' && part !== '') ?? 'the identity endpoint gave no token'),
      ...(failed && last.status !== undefined ? { httpStatus: last.status } : {}),
      ...(typeof code === 'string' && code !== '' ? { errorCode: code } : {}),
    },
    { cause: error },
  );
}

/** The endpoint's own words where it answers as documented; never a body that may hold a token. */
function messageIn(text: string | undefined): string | undefined {
  try {
    const { message } = JSON.parse(text ?? '') as { message?: unknown };
    return typeof message === 'string' ? message : undefined;
  } catch {
    return undefined;
  }
}
