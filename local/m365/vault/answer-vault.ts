import { randomUUID } from 'node:crypto';
import type { Cloud } from '../cloud.ts';
import { countBy } from '../counters.ts';
import type { HttpAnswer, HttpCall } from '../http-server.ts';
import { authorizeVault } from './authorize-vault.ts';
import { getCertificate, getPolicy, listCertificateVersions } from './certificates.ts';
import { createCertificate, getPending, updateCertificate } from './create-certificate.ts';
import { getKey, signWithKey } from './keys.ts';
import { getSecret, listSecretVersions, setSecret } from './secrets.ts';
import { vaultError } from './vault-error.ts';

/** What stands in the place of a version and is none. */
const VERBS = new Set(['versions', 'policy', 'create', 'pending']);
/** Versions of the data plane that have been released. */
const API_VERSION = /^(7\.[0-6]|2025-07-01|2026-04-01)$/;

interface Route {
  operation: string;
  answer(): HttpAnswer;
}

/** The data plane of Key Vault, as far as an app that reads secrets, certificates and keys sees it. */
export function answerVault(cloud: Cloud, call: HttpCall): HttpAnswer {
  const route = findRoute(cloud, call);
  const answer =
    authorizeVault(cloud, call, route?.operation ?? '') ??
    judgeApiVersion(call.url.searchParams.get('api-version')) ??
    run(cloud, route);
  const headers = { 'x-ms-request-id': randomUUID(), 'x-ms-keyvault-service-version': '1.9.2200.1', ...answer.headers };
  return { ...answer, headers };
}

function judgeApiVersion(version: string | null): HttpAnswer | undefined {
  if (version === null) return vaultError(400, 'BadParameter', 'api-version must be specified');
  return API_VERSION.test(version)
    ? undefined
    : vaultError(400, 'BadParameter', `The specified version (${version}) is not recognized.`);
}

function run(cloud: Cloud, route: Route | undefined): HttpAnswer {
  cloud.counters.vaultRequests++;
  if (!route) return vaultError(404, 'NotFound', 'Method does not exist.');
  countBy(cloud.counters.vaultOperations, route.operation);
  return route.answer();
}

function findRoute(cloud: Cloud, call: HttpCall): Route | undefined {
  const [, collection = '', name = '', third = '', fourth = ''] = call.url.pathname.split('/');
  if (!name) return undefined;
  const shape = `${call.method} ${collection}${third ? `/${VERBS.has(third) ? third : '*'}` : ''}${fourth ? `/${fourth}` : ''}`;
  switch (shape) {
    case 'GET secrets':
    case 'GET secrets/*':
      return { operation: 'secrets/get', answer: () => getSecret(cloud, name, third) };
    case 'GET secrets/versions':
      return { operation: 'secrets/list', answer: () => listSecretVersions(cloud, name, call) };
    case 'PUT secrets':
      return { operation: 'secrets/set', answer: () => setSecret(cloud, name, call.body) };
    case 'GET certificates':
    case 'GET certificates/*':
      return { operation: 'certificates/get', answer: () => getCertificate(cloud, name, third) };
    case 'GET certificates/policy':
      return { operation: 'certificates/get', answer: () => getPolicy(cloud, name) };
    case 'GET certificates/versions':
      return { operation: 'certificates/list', answer: () => listCertificateVersions(cloud, name, call) };
    case 'POST certificates/create':
      return { operation: 'certificates/create', answer: () => createCertificate(cloud, name, call.body) };
    case 'GET certificates/pending':
      return { operation: 'certificates/get', answer: () => getPending(cloud, name) };
    case 'PATCH certificates/*':
      return { operation: 'certificates/update', answer: () => updateCertificate(cloud, name, third, call.body) };
    case 'GET keys':
    case 'GET keys/*':
      return { operation: 'keys/get', answer: () => getKey(cloud, name, third) };
    case 'POST keys/sign':
      return { operation: 'keys/sign', answer: () => signWithKey(cloud, name, '', call.body) };
    case 'POST keys/*/sign':
      return { operation: 'keys/sign', answer: () => signWithKey(cloud, name, third, call.body) };
    default:
      return undefined;
  }
}
