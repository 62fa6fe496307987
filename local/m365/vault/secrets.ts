import type { Cloud } from '../cloud.ts';
import { newVersion } from '../default-world.ts';
import type { HttpAnswer, HttpCall } from '../http-server.ts';
import type { SecretVersion } from '../world.ts';
import { page } from './page.ts';
import { disabled, notFound, vaultError } from './vault-error.ts';
import { attributes, type FoundSecret, pickVersion, secretVersions } from './vault-objects.ts';

/** `GET secrets/{name}[/{version}]`. Expired and not yet valid secrets can be read; disabled ones cannot. */
export function getSecret(cloud: Cloud, name: string, version: string): HttpAnswer {
  const versions = secretVersions(cloud, name);
  const found = versions && pickVersion(versions, version);
  if (!found) return notFound('Secret', version ? `${name}/${version}` : name);
  if (!found.enabled) return disabled('secret', 'get');
  return { status: 200, body: { value: found.value, ...describe(cloud, name, found) } };
}

/** `GET secrets/{name}/versions`, a page at a time. */
export function listSecretVersions(cloud: Cloud, name: string, call: HttpCall): HttpAnswer {
  const versions = secretVersions(cloud, name);
  if (!versions) return { status: 200, body: { value: [], nextLink: null } };
  return page(
    cloud,
    call,
    versions.map(version => describe(cloud, name, version)),
  );
}

/** `PUT secrets/{name}`: adds a version. */
export function setSecret(cloud: Cloud, name: string, body: string): HttpAnswer {
  const given = parseBody(body);
  if (!given || typeof given['value'] !== 'string')
    return vaultError(400, 'BadParameter', 'Property value is required.');
  if (!/^[0-9a-zA-Z-]{1,127}$/.test(name)) {
    return vaultError(400, 'BadParameter', 'The request URI contains an invalid name.');
  }
  const { enabled, nbf, exp } = (given['attributes'] ?? {}) as { enabled?: boolean; nbf?: number; exp?: number };
  const version: SecretVersion = {
    version: newVersion(),
    value: given['value'],
    ...(typeof given['contentType'] === 'string' ? { contentType: given['contentType'] } : {}),
    ...(given['tags'] ? { tags: given['tags'] as Record<string, string> } : {}),
    enabled: enabled ?? true,
    createdAt: new Date(cloud.now()),
    ...(nbf === undefined ? {} : { notBefore: new Date(nbf * 1000) }),
    ...(exp === undefined ? {} : { expiresAt: new Date(exp * 1000) }),
  };
  const { secrets } = cloud.world.vault;
  secrets[name] = [...(secrets[name] ?? []), version];
  return { status: 200, body: { value: version.value, ...describe(cloud, name, version) } };
}

function describe(cloud: Cloud, name: string, secret: FoundSecret): Record<string, unknown> {
  return {
    ...(secret.contentType ? { contentType: secret.contentType } : {}),
    id: `${cloud.vaultUrl}/secrets/${name}/${secret.version}`,
    ...(secret.certificate
      ? {
          ...(secret.previousVersion ? { previousVersion: secret.previousVersion } : {}),
          managed: true,
          kid: `${cloud.vaultUrl}/keys/${secret.certificate}/${secret.version}`,
        }
      : {}),
    attributes: attributes(secret),
    ...(secret.tags ? { tags: secret.tags } : {}),
  };
}

function parseBody(body: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(body) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
