import { type LookupAddress, promises } from 'node:dns';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import type { PostWebhook, WebhookAnswer } from '../../domain/webhook.ts';
import { isRefusedAddress } from './address-rules.ts';

/** Name resolution, connection, TLS, sending and the answer's head together. */
const TIMEOUT_MS = 10_000;
/** Read of an answer's body, and thrown away, so that the receiver can finish; more is cut off. */
const MAX_DRAINED_BYTES = 64 * 1024;

type Resolve = (hostname: string) => Promise<readonly LookupAddress[]>;
const systemResolve: Resolve = hostname => promises.lookup(hostname, { all: true });

/**
 * Posts to an address that others have chosen. The name is resolved once, by the connection itself: its addresses are
 * checked and no others are connected to, so that a name that answers differently a moment later gains nothing. TLS
 * names the host as the URL does.
 *
 * @param resolve the system's resolver, except in tests.
 */
export function webhookPost(resolve: Resolve = systemResolve): PostWebhook {
  return ({ url, headers, body, allowPrivate }) =>
    new Promise<WebhookAnswer>(done => {
      // A literal address is connected to without any lookup.
      const literal = url.hostname.replace(/^\[(.*)\]$/, '$1');
      if (isIP(literal) !== 0 && isRefusedAddress(literal, allowPrivate)) return done(REFUSED);
      const bytes = Buffer.from(body, 'utf8');
      const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
      const request = send(url, {
        method: 'POST',
        // A connection of its own: a kept one would not have been checked by this call's rules.
        agent: false,
        lookup: checkedLookup(resolve, allowPrivate),
        signal: AbortSignal.timeout(TIMEOUT_MS),
        rejectUnauthorized: true,
        headers: {
          ...headers,
          'content-type': 'application/json',
          'content-length': bytes.length,
          'user-agent': 'Exosend',
        },
      });
      request.once('response', response => {
        drain(response);
        const retryAfter = response.headers['retry-after']?.slice(0, 64);
        const status = response.statusCode ?? 0;
        done({ kind: 'answered', status, ...(retryAfter === undefined ? {} : { retryAfter }) });
      });
      // Stays on: a connection that breaks after its answer must not end the process.
      request.on('error', error => done({ kind: 'failed', reason: reasonOf(error) }));
      request.end(bytes);
    });
}

const REFUSED: WebhookAnswer = { kind: 'failed', reason: 'address_not_allowed' };

function checkedLookup(resolve: Resolve, allowPrivate: boolean): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname).then(
      addresses => {
        const [first] = addresses;
        // One address out of bounds is enough: a public name has no business pointing into a private network.
        if (!first || addresses.some(({ address }) => isRefusedAddress(address, allowPrivate))) {
          callback(Object.assign(new Error('address not allowed'), { code: 'address_not_allowed' }), '', 0);
        } else if (options.all) callback(null, [...addresses]);
        else callback(null, first.address, first.family);
      },
      (error: NodeJS.ErrnoException) => callback(error, '', 0),
    );
  };
}

function drain(response: IncomingMessage): void {
  let bytes = 0;
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > MAX_DRAINED_BYTES) response.destroy();
  });
  response.on('error', () => undefined);
}

/** A code, never the error's text: that may repeat what the receiver said. */
function reasonOf(error: NodeJS.ErrnoException): string {
  if (error.name === 'AbortError' || error.name === 'TimeoutError') return 'timeout';
  return error.code ?? error.name;
}
