import { redact } from '../../domain/redact.ts';
import { GraphFailure, type Registration } from '../../domain/rotation-ports.ts';

const TIMEOUT_MS = 30_000;

/** The calls of Microsoft Graph with which an app rolls its own keys; each throws GraphFailure. */
interface GraphClient {
  /** Undefined when the app may not read its registration. */
  read(token: string, clientId: string): Promise<Registration | undefined>;
  /** @param certificate DER. Gives the key's id, where the answer says it */
  addKey(token: string, objectId: string, certificate: Uint8Array, proof: string): Promise<string | undefined>;
  /** A key that is not there is fine. */
  removeKey(token: string, objectId: string, keyId: string, proof: string): Promise<void>;
}

/**
 * No call is repeated here: whoever rotates a key finds out first what has become of the last attempt.
 * Source: learn.microsoft.com/graph/api/application-addkey, application-removekey, application-get.
 *
 * @param url https://graph.microsoft.com, or a sovereign cloud's
 */
export function graphClient(url: string): GraphClient {
  return {
    async read(token, clientId) {
      const path = `applications(appId='${encodeURIComponent(clientId)}')?$select=id,keyCredentials`;
      const { status, body } = await call(url, token, 'GET', path);
      // Microsoft documents a permission for this; that an app may read itself without one is seen, and not promised.
      if (status === 403 || status === 401 || status === 404) return undefined;
      if (status !== 200) throw failure('read the App registration', status, body);
      const keys = (body['keyCredentials'] ?? []) as { keyId?: string; key?: string | null }[];
      return {
        objectId: String(body['id']),
        keys: keys.flatMap(({ keyId, key }) =>
          keyId && key ? [{ keyId, certificate: Buffer.from(key, 'base64') }] : [],
        ),
      };
    },
    async addKey(token, objectId, certificate, proof) {
      const key = Buffer.from(certificate).toString('base64');
      const keyCredential = { type: 'AsymmetricX509Cert', usage: 'Verify', key };
      const request = { keyCredential, passwordCredential: null, proof };
      const { status, body } = await call(url, token, 'POST', `applications/${objectId}/addKey`, request);
      if (status >= 300) throw failure('addKey', status, body);
      return typeof body['keyId'] === 'string' ? body['keyId'] : undefined;
    },
    async removeKey(token, objectId, keyId, proof) {
      const { status, body } = await call(url, token, 'POST', `applications/${objectId}/removeKey`, { keyId, proof });
      if (status < 300 || isNoSuchKey(status, body)) return;
      throw failure('removeKey', status, body);
    },
  };
}

interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

async function call(url: string, token: string, method: string, path: string, request?: object): Promise<Answer> {
  try {
    const response = await fetch(`${url}/v1.0/${path}`, {
      method,
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
      ...(request === undefined ? {} : { body: JSON.stringify(request) }),
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const text = await response.text();
    try {
      return { status: response.status, body: text === '' ? {} : (JSON.parse(text) as Answer['body']) };
    } catch {
      return { status: response.status, body: {} };
    }
  } catch (error) {
    const cause = (error as { cause?: { code?: unknown } }).cause?.code;
    const why = typeof cause === 'string' ? cause : (error as Error).name;
    throw new GraphFailure(`Microsoft Graph did not answer (${why}).`, {}, { cause: error });
  }
}

function failure(operation: string, status: number, body: Answer['body']): GraphFailure {
  const { code, message } = errorOf(body);
  const hint = HINTS[code] ?? HINTS[String(status)];
  const said = [code, redact(message, 200)].filter(Boolean).join(': ');
  return new GraphFailure(
    [`Microsoft Graph refuses ${operation} (${[status, said].filter(Boolean).join(' ')}).`, hint]
      .filter(Boolean)
      .join(' '),
    { status, ...(code === '' ? {} : { code }) },
  );
}

const HINTS: Readonly<Record<string, string>> = {
  Authentication_MissingOrMalformed:
    'The proof of possession does not hold: look whether the object id is the App registration’s (not the Enterprise application’s), and at this machine’s clock.',
  Authorization_RequestDenied:
    'The object id may be another app’s: an app rolls only its own keys without a permission.',
  Request_ResourceNotFound:
    'There is no App registration with this object id; the Enterprise application’s is another one. az ad app show --id <client id> --query id -o tsv',
  429: 'It asks to be left alone for a while; a later run goes on.',
};

/** Microsoft documents no code for this; the texts are those of the like calls. */
function isNoSuchKey(status: number, body: Answer['body']): boolean {
  const { message } = errorOf(body);
  return status === 400 && /no (key )?credentials? found|credential\b.*(not found|does not exist)/i.test(message);
}

function errorOf(body: Answer['body']): { code: string; message: string } {
  const { code, message } = (body['error'] ?? {}) as { code?: unknown; message?: unknown };
  return { code: typeof code === 'string' ? code : '', message: typeof message === 'string' ? message : '' };
}
