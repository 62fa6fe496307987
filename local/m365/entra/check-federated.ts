import type { Cloud } from '../cloud.ts';
import { parseJwt, verifyJwt } from '../jwt.ts';
import type { App } from '../world.ts';
import { checkTime } from './check-assertion.ts';
import { type EntraError, entraErrors } from './entra-error.ts';

/**
 * Judges an assertion of a managed identity against the app's federated credentials: signed by Entra, in time, and
 * issuer, subject and audience all of one credential. Returns the refusal, or undefined.
 * Source: learn.microsoft.com/entra/workload-id/workload-identity-federation-config-app-trust-managed-identity.
 */
export function checkFederatedAssertion(cloud: Cloud, app: App, assertion: string): EntraError | undefined {
  const jwt = parseJwt(assertion);
  if (!jwt) return entraErrors.assertionMalformed('The token is not a compact JWT.');
  const [issuer, subject, audience] = [jwt.claims['iss'], jwt.claims['sub'], jwt.claims['aud']].map(String);
  const { federated } = app;
  const sameIssuer = federated.filter(one => one.issuer === issuer);
  if (sameIssuer.length === 0) return entraErrors.noFederation('issuer', issuer ?? '');
  const sameSubject = sameIssuer.filter(one => one.subject === subject);
  if (sameSubject.length === 0) return entraErrors.noFederation('subject', subject ?? '');
  if (!sameSubject.some(one => one.audience === audience)) return entraErrors.noFederation('audience', audience ?? '');
  if (jwt.header['alg'] !== 'RS256' || !verifyJwt(jwt, 'RS256', cloud.signingKey.publicKey)) {
    return entraErrors.assertionMalformed('Signature verification failed.');
  }
  return checkTime(cloud, jwt.claims);
}

/** Whether an assertion comes from an identity provider: its issuer is a URL, the app's own assertion names the client id. */
export function isFederated(assertion: string): boolean {
  const issuer = parseJwt(assertion)?.claims['iss'];
  return typeof issuer === 'string' && issuer.startsWith('https://');
}
