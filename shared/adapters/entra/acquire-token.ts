import type { Configuration, INetworkModule, NetworkRequestOptions, NetworkResponse } from '@azure/msal-node';
import type { FailureFacts } from '../../domain/diagnosis/diagnosis.ts';
import { ServiceFailure } from '../../domain/failure.ts';

/** Proof of identity for one token request. */
export type Proof =
  | {
      readonly kind: 'certificate';
      readonly thumbprintSha256: string;
      readonly privateKeyPem: string;
      readonly chainPem: string;
    }
  | { readonly kind: 'assertion'; readonly assertion: string }
  | { readonly kind: 'secret'; readonly secret: string };

export interface TokenRequest {
  /** https://login.microsoftonline.com, or a sovereign cloud's. */
  readonly authorityHost: string;
  readonly tenantId: string;
  readonly clientId: string;
  readonly scope: string;
  readonly proof: Proof;
}

export interface AccessToken {
  readonly token: string;
  readonly expiresAtMs: number;
}

/** For one token, also where MSAL asks for the authority's endpoints first. */
const TIMEOUT_MS = 20_000;
/** Hosts whose endpoints MSAL knows without asking; any other is named to it as trusted. */
const KNOWN_HOSTS = new Set([
  'login.microsoftonline.com',
  'login.microsoftonline.us',
  'login.partner.microsoftonline.cn',
  'login.windows.net',
]);

/**
 * One token from Entra ID by client credentials.
 *
 * A new MSAL client each time: a client that has seen one 429 or 5xx refuses for a minute without asking again, also
 * with `skipCache`, and our own cache decides when to ask. MSAL sets no time limit on the POST; the network client does.
 * Throws ServiceFailure with stage `token` (or whatever stage the proof failed at).
 */
export async function acquireToken(request: TokenRequest): Promise<AccessToken> {
  const { ConfidentialClientApplication } = await import('@azure/msal-node');
  const last: LastAnswer = {};
  try {
    const application = new ConfidentialClientApplication({
      auth: authOf(request),
      system: { networkClient: networkClient(last, AbortSignal.timeout(TIMEOUT_MS)) },
    });
    const result = await application.acquireTokenByClientCredential({ scopes: [request.scope], skipCache: true });
    if (!result) throw new Error('MSAL gave no result');
    return { token: result.accessToken, expiresAtMs: result.expiresOn?.getTime() ?? Date.now() + 5 * 60_000 };
  } catch (error) {
    throw tokenFailure(error, last);
  }
}

function authOf({ authorityHost, tenantId, clientId, proof }: TokenRequest): Configuration['auth'] {
  const host = new URL(authorityHost).host;
  return {
    clientId,
    authority: `${authorityHost.replace(/\/+$/, '')}/${tenantId}`,
    ...(KNOWN_HOSTS.has(host) ? {} : { knownAuthorities: [host] }),
    ...(proof.kind === 'certificate'
      ? {
          clientCertificate: {
            thumbprintSha256: proof.thumbprintSha256,
            privateKey: proof.privateKeyPem,
            x5c: proof.chainPem,
          },
        }
      : proof.kind === 'secret'
        ? { clientSecret: proof.secret }
        : { clientAssertion: proof.assertion }),
  };
}

interface LastAnswer {
  status?: number;
  retryAfterMs?: number;
  networkError?: unknown;
  /** What Entra said where it refused: MSAL drops it when it was asked for the authority's endpoints. */
  refusal?: string;
}

function networkClient(last: LastAnswer, signal: AbortSignal): INetworkModule {
  async function send<T>(
    method: 'GET' | 'POST',
    url: string,
    options?: NetworkRequestOptions,
  ): Promise<NetworkResponse<T>> {
    try {
      const response = await fetch(url, {
        method,
        ...(options?.headers ? { headers: options.headers } : {}),
        ...(method === 'POST' && options?.body !== undefined ? { body: options.body } : {}),
        signal,
        redirect: 'error',
      });
      last.status = response.status;
      const retryAfterMs = readRetryAfter(response.headers.get('retry-after'));
      if (retryAfterMs !== undefined) last.retryAfterMs = retryAfterMs;
      const text = await response.text();
      let body: unknown;
      try {
        body = JSON.parse(text);
      } catch {
        // A proxy's HTML page. MSAL would call it a parsing error of ours; the status says more.
        throw new ServiceFailure(`Entra ID answered ${response.status} with something other than JSON`, {
          stage: 'token',
          httpStatus: response.status,
          ...(text === '' ? {} : { errorCode: 'token_parsing_error' }),
          ...(last.retryAfterMs === undefined ? {} : { retryAfterMs: last.retryAfterMs }),
          text: text.slice(0, 300),
        });
      }
      const { error_description: refusal } = (body ?? {}) as { error_description?: unknown };
      if (!response.ok && typeof refusal === 'string') last.refusal = refusal;
      return { headers: Object.fromEntries(response.headers), body: body as T, status: response.status };
    } catch (error) {
      last.networkError = error;
      throw error;
    }
  }
  return {
    sendGetRequestAsync: (url, options) => send('GET', url, options),
    sendPostRequestAsync: (url, options) => send('POST', url, options),
  };
}

/** Retry-After (RFC 9110 10.2.3), seconds or a date, as ms from now. */
function readRetryAfter(value: string | null): number | undefined {
  if (value === null || value.trim() === '') return undefined;
  const seconds = Number(value);
  const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(value) - Date.now();
  return ms > 0 ? ms : undefined;
}

function tokenFailure(error: unknown, last: LastAnswer): ServiceFailure {
  if (last.networkError instanceof ServiceFailure) return last.networkError;
  if (error instanceof ServiceFailure) return error;
  const source = error as { errorCode?: unknown; errorNo?: unknown; errorMessage?: unknown; message?: unknown };
  const texts = [source.errorMessage, source.message, last.refusal].filter(
    (part): part is string => typeof part === 'string' && part !== '',
  );
  const text = texts.find(part => /AADSTS\d{4,8}/.test(part)) ?? texts[0];
  const aadsts =
    /AADSTS\d{4,8}/.exec(text ?? '')?.[0] ??
    (/^\d{4,8}$/.test(String(source.errorNo)) ? `AADSTS${String(source.errorNo)}` : undefined);
  const network = last.networkError === undefined ? undefined : networkCode(last.networkError);
  const errorCode =
    aadsts ??
    network ??
    (typeof source.errorCode === 'string' && source.errorCode !== '' ? source.errorCode : undefined);
  const facts: FailureFacts = {
    stage: 'token',
    text: text ?? 'the token request failed',
    ...(errorCode === undefined ? {} : { errorCode }),
    ...(last.status === undefined ? {} : { httpStatus: last.status }),
    ...(last.retryAfterMs === undefined ? {} : { retryAfterMs: last.retryAfterMs }),
  };
  return new ServiceFailure(`Entra ID: no token${errorCode === undefined ? '' : ` (${errorCode})`}`, facts, {
    cause: error,
  });
}

function networkCode(error: unknown): string {
  if (error instanceof Error && error.name === 'TimeoutError') return 'ETIMEDOUT';
  const cause = (error as { cause?: { code?: unknown } } | undefined)?.cause;
  return typeof cause?.code === 'string' ? cause.code : 'network_error';
}
