import { setTimeout as sleep } from 'node:timers/promises';
import { type CertificateVersion, type CertificateVersions, RotationBlocked } from '../../domain/rotation-ports.ts';
import { notifyingPolicy } from './certificate-policy.ts';
import type { VaultConfig } from './vault-call.ts';
import { type VaultAnswer, vaultRest } from './vault-rest.ts';

/** A key of 4096 bits takes the vault some seconds, on a bad day half a minute. */
const CREATE_MS = 120_000;
const POLL_MS = 250;

/**
 * The versions of one certificate, over the certificates' REST API: the SDK has a client of its own for them, which would be one
 * more package for four calls. Source: learn.microsoft.com/rest/api/keyvault/certificates.
 */
export function certificateVersions(config: VaultConfig, name: string): CertificateVersions {
  const call = vaultRest(config);
  const path = `certificates/${name}`;

  /** Waits for a creation that is under way; throws when it takes too long. */
  async function settle(): Promise<void> {
    const end = Date.now() + CREATE_MS;
    for (;;) {
      const { body } = await call('read the pending operation', 'GET', `${path}/pending`, { accept: [404] });
      if (body['status'] !== 'inProgress') return;
      if (Date.now() > end) throw stillPending(name);
      await sleep(POLL_MS);
    }
  }

  async function policyOfLast(): Promise<object> {
    const { body } = await call('read the policy', 'GET', `${path}/policy`);
    const { issuer } = body as { issuer?: { name?: string } };
    if (issuer?.name === 'Unknown') {
      throw new RotationBlocked(
        'signed_elsewhere',
        `${name} is signed outside Key Vault (issuer Unknown), so a new version needs a person: az keyvault certificate create makes a request, have it signed, az keyvault certificate pending merge takes it in; the next run registers it.`,
      );
    }
    return notifyingPolicy(body);
  }

  async function newestVersion(): Promise<string | undefined> {
    const { status, body } = await call(`read ${name}`, 'GET', path, { accept: [404] });
    return status === 404 ? undefined : versionOf(body);
  }

  return {
    name,
    async list() {
      await settle();
      const found: CertificateVersion[] = [];
      for (let next: string | undefined = `${path}/versions`; next !== undefined; ) {
        const { body }: VaultAnswer = await call(`list the versions of ${name}`, 'GET', next);
        for (const item of (body['value'] ?? []) as Item[]) found.push(toVersion(item));
        next = typeof body['nextLink'] === 'string' ? body['nextLink'] : undefined;
      }
      // Times are whole seconds, and the order of the list is nowhere promised: the vault itself says which is the newest.
      const newest = found.length > 1 ? await newestVersion() : undefined;
      const isNewest = ({ version }: CertificateVersion): number => (version === newest ? 1 : 0);
      return found
        .toReversed()
        .toSorted((one, other) => isNewest(other) - isNewest(one) || other.createdAtMs - one.createdAtMs);
    },
    async create(policy) {
      const used = policy ?? (await policyOfLast());
      await call(`create ${name}`, 'POST', `${path}/create`, { body: { policy: used } });
      await settle();
    },
    async publicPart(version) {
      const { body } = await call(`read ${name}`, 'GET', `${path}/${version}`);
      return Buffer.from(String(body['cer']), 'base64');
    },
    async change(version, { tags, isEnabled }) {
      const body = {
        ...(tags ? { tags } : {}),
        ...(isEnabled === undefined ? {} : { attributes: { enabled: isEnabled } }),
      };
      await call(`change ${name}`, 'PATCH', `${path}/${version}`, { body });
    },
  };
}

function stillPending(name: string): RotationBlocked {
  return new RotationBlocked(
    'creation_pending',
    `Key Vault has been making a version of ${name} for two minutes and more. A later run waits for it again. What it waits for: az keyvault certificate pending show --vault-name <vault> --name ${name}; to give it up: az keyvault certificate pending delete with the same options.`,
  );
}

interface Item {
  readonly id: string;
  readonly attributes?: {
    readonly enabled?: boolean;
    readonly created?: number;
    readonly nbf?: number;
    readonly exp?: number;
  };
  readonly tags?: Readonly<Record<string, string>>;
}

function toVersion(item: Item): CertificateVersion {
  const { enabled = true, created = 0, nbf = created, exp = Number.POSITIVE_INFINITY } = item.attributes ?? {};
  return {
    version: versionOf({ id: item.id }) ?? '',
    isEnabled: enabled,
    createdAtMs: created * 1000,
    notBeforeMs: nbf * 1000,
    expiresAtMs: exp * 1000,
    tags: item.tags ?? {},
  };
}

const versionOf = (bundle: Readonly<Record<string, unknown>>): string | undefined =>
  String(bundle['id']).split('/').at(-1);
