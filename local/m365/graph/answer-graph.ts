import { X509Certificate } from 'node:crypto';
import { verifyAccessToken } from '../access-token.ts';
import type { Cloud } from '../cloud.ts';
import { countBy } from '../counters.ts';
import type { HttpAnswer, HttpCall } from '../http-server.ts';
import type { App } from '../world.ts';
import { thumbprint } from '../x509/make-certificate.ts';
import { isProof } from './check-proof.ts';
import { graphErrors } from './graph-error.ts';
import { addKeyTo, isValidNow, keysOf, type RegisteredKey, removeKeyFrom } from './key-store.ts';

const AUDIENCE = 'https://graph.microsoft.com';
const READERS = ['Application.Read.All', 'Application.ReadWrite.OwnedBy', 'Application.ReadWrite.All'];

/**
 * The part of Microsoft Graph with which an app rolls its own keys: `GET /v1.0/applications/{id}`, `addKey` and `removeKey`,
 * by object id or as `applications(appId='…')`. Rolling needs the app's own token and a proof of possession, and no permission.
 * Source: learn.microsoft.com/graph/api/application-addkey, application-removekey and application-get.
 */
export function answerGraph(cloud: Cloud, call: HttpCall): HttpAnswer {
  const bearer = /^Bearer (\S+)$/i.exec(call.headers.authorization ?? '')?.[1];
  if (!bearer) return graphErrors.noToken();
  const verdict = verifyAccessToken(cloud, bearer, [AUDIENCE]);
  if (!verdict.ok) return verdict.reason === 'expired' ? graphErrors.expiredToken() : graphErrors.badToken();
  const [, version, resource = '', action = ''] = decodeURIComponent(call.url.pathname).split('/');
  const path = /^applications(?:\(appId='([^']+)'\))?$/.exec(resource);
  if (version !== 'v1.0' || !path) return graphErrors.noSuchCall();
  const [id, verb] = path[1] === undefined ? [action, call.url.pathname.split('/')[4] ?? ''] : [path[1], action];
  const app = cloud.world.apps.find(one => id === (path[1] === undefined ? one.applicationObjectId : one.clientId));
  const caller = cloud.world.apps.find(one => one.clientId === verdict.claims['appid']);
  const what = `${call.method} ${verb}`.trim();
  if (!['GET', 'POST addKey', 'POST removeKey'].includes(what)) return graphErrors.noSuchCall();
  if (!app) return graphErrors.noSuchObject(id);
  countBy(cloud.counters.graphOperations, verb || 'get');
  if (what === 'GET') {
    const mayRead = READERS.some(role => (verdict.claims['roles'] as string[] | undefined)?.includes(role));
    if (!mayRead && !(app === caller && cloud.world.graph.canReadOwnApp)) return graphErrors.denied();
    const fields = (call.url.searchParams.get('$select') ?? '').split(',');
    return { status: 200, body: describe(app, fields) };
  }
  if (app !== caller) return graphErrors.denied();
  return verb === 'addKey' ? addKey(cloud, app, call.body) : removeKey(cloud, app, call.body);
}

function addKey(cloud: Cloud, app: App, body: string): HttpAnswer {
  const { keyCredential, proof } = read(body);
  const { type, usage, key } = (keyCredential ?? {}) as Record<string, unknown>;
  if (type !== 'AsymmetricX509Cert' || usage !== 'Verify' || typeof key !== 'string') {
    return graphErrors.badRequest('Invalid value specified for property keyCredential of resource Application.');
  }
  if (!isProof(cloud, app, proof)) return graphErrors.badProof();
  let pem: string;
  try {
    pem = new X509Certificate(Buffer.from(key, 'base64')).toString();
  } catch {
    return graphErrors.badRequest('Key credential is not a valid certificate.');
  }
  if (!isValidNow(cloud, pem)) return graphErrors.badRequest('Key credential end date is invalid.');
  return { status: 200, body: keyCredentialOf(addKeyTo(cloud, app, pem), false) };
}

function removeKey(cloud: Cloud, app: App, body: string): HttpAnswer {
  const { keyId, proof } = read(body);
  if (!isProof(cloud, app, proof)) return graphErrors.badProof();
  return removeKeyFrom(app, String(keyId).toLowerCase())
    ? { status: 204 }
    : graphErrors.badRequest('No credentials found to be removed.');
}

function describe(app: App, fields: readonly string[]): Record<string, unknown> {
  const isSelected = fields.includes('keyCredentials');
  return {
    id: app.applicationObjectId,
    appId: app.clientId,
    displayName: app.displayName,
    keyCredentials: keysOf(app).map(key => keyCredentialOf(key, isSelected)),
  };
}

/** @param withKey the certificate itself is given out only where `$select` names keyCredentials */
function keyCredentialOf({ keyId, pem }: RegisteredKey, withKey: boolean): Record<string, unknown> {
  const x509 = new X509Certificate(pem);
  return {
    customKeyIdentifier: Buffer.from(thumbprint(x509.raw, 'sha1'), 'hex').toString('base64'),
    displayName: x509.subject,
    startDateTime: new Date(x509.validFrom).toISOString(),
    endDateTime: new Date(x509.validTo).toISOString(),
    key: withKey ? x509.raw.toString('base64') : null,
    keyId,
    type: 'AsymmetricX509Cert',
    usage: 'Verify',
  };
}

function read(body: string): Record<string, unknown> {
  try {
    return JSON.parse(body) as Record<string, unknown>;
  } catch {
    return {};
  }
}
