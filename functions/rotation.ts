import { createHash, createSign } from 'node:crypto';
import { isCertificateRefused, tokenBy } from '../shared/adapters/entra/by-certificate.ts';
import { graphAddress } from '../shared/adapters/graph/graph-address.ts';
import { graphClient } from '../shared/adapters/graph/graph-client.ts';
import { buildProof } from '../shared/adapters/graph/proof.ts';
import { certificateVersions } from '../shared/adapters/key-vault/certificate-versions.ts';
import { readCertificate } from '../shared/adapters/key-vault/read-certificate.ts';
import { vaultReader } from '../shared/adapters/key-vault/vault-reader.ts';
import { vaultSigner } from '../shared/adapters/key-vault/vault-signer.ts';
import type { Settings } from '../shared/config/settings.ts';
import type { AppCertificate } from '../shared/domain/credential-ports.ts';
import { loadOnceEach } from '../shared/domain/load-once.ts';
import type { AppKeys, CertificateVersions } from '../shared/domain/rotation-ports.ts';
import type { Sender } from '../shared/domain/sender.ts';

/** One certificate of the vault and the apps that sign in with it. */
export interface RotatedCredential {
  readonly certificates: CertificateVersions;
  readonly apps: readonly AppKeys[];
}

type RotationSettings = Pick<Settings, 'vault' | 'entra' | 'rotation'>;
type CertificateSender = Sender & { readonly credential: { readonly kind: 'certificate' } };

/** Every certificate that the senders use, once, with its apps. Nothing is called yet. */
export function rotatedCredentials(
  settings: RotationSettings,
  senders: readonly Sender[],
  now: () => number,
): RotatedCredential[] {
  const byName = new Map<string, CertificateSender[]>();
  for (const sender of senders) {
    if (!isByCertificate(sender)) continue;
    const apps = byName.get(sender.credential.name) ?? [];
    if (!apps.some(app => app.clientId === sender.clientId && app.tenantId === sender.tenantId)) apps.push(sender);
    byName.set(sender.credential.name, apps);
  }
  return [...byName].map(([name, users]) => {
    const read = versionReader(settings, name);
    return {
      certificates: certificateVersions(settings.vault, name),
      apps: users.map(sender => appKeys(settings, sender, read, now)),
    };
  });
}

const isByCertificate = (sender: Sender): sender is CertificateSender => sender.credential.kind === 'certificate';

/** Reads each version once: what it holds never changes. */
function versionReader(settings: RotationSettings, name: string): (version: string) => Promise<AppCertificate> {
  const secrets = vaultReader(settings.vault);
  return loadOnceEach(async version => readCertificate(name, await secrets.secret(name, version)));
}

/** The registration of a sender's app, reached as that app itself, with no permission in the directory. */
function appKeys(
  { vault, entra, rotation }: RotationSettings,
  { tenantId, clientId, credential }: CertificateSender,
  read: (version: string) => Promise<AppCertificate>,
  now: () => number,
): AppKeys {
  const { url, scope } = graphAddress(entra.authorityHost, rotation.graphUrl);
  const graph = graphClient(url);
  const app = { authorityHost: entra.authorityHost, tenantId, clientId, scope };
  const signAssertion = vaultSigner(vault);
  const signProof = vaultSigner(vault, 'RS256');
  const tokens = new Map<string, string>();

  async function freshToken(version: string): Promise<string> {
    const { token } = await tokenBy({ vault: { sign: signAssertion }, now }, app, credential, await read(version));
    tokens.set(version, token);
    return token;
  }

  const tokenOf = async (version: string): Promise<string> => tokens.get(version) ?? freshToken(version);

  async function proofBy(version: string, objectId: string): Promise<string> {
    const { leaf, key, keyId = '' } = await read(version);
    const sign = async (input: Uint8Array): Promise<Uint8Array> =>
      credential.sign === 'vault' || !key
        ? signProof(keyId, createHash('sha256').update(input).digest())
        : createSign('sha256').update(input).sign(key);
    return buildProof(objectId, leaf.fingerprint.replaceAll(':', ''), now(), sign);
  }

  return {
    clientId,
    ...(credential.applicationObjectId === undefined ? {} : { objectId: credential.applicationObjectId }),
    async isAccepted(version) {
      try {
        await freshToken(version);
        return true;
      } catch (error) {
        if (isCertificateRefused(error)) return false;
        throw error;
      }
    },
    read: async by => graph.read(await tokenOf(by), clientId),
    add: async (objectId, certificate, by) =>
      graph.addKey(await tokenOf(by), objectId, certificate, await proofBy(by, objectId)),
    remove: async (objectId, keyId, by) =>
      graph.removeKey(await tokenOf(by), objectId, keyId, await proofBy(by, objectId)),
  };
}
