import type {
  AppCertificate,
  CredentialVault,
  VaultSecret,
  VaultSecretVersion,
} from '../../domain/credential-ports.ts';
import { ServiceFailure } from '../../domain/failure.ts';
import type { Log } from '../../domain/ports.ts';
import { type PhaseFinding, type PhaseOutcome, runPhase } from '../../domain/probe-phase.ts';
import type { ProbedCredential } from '../../domain/probe-run.ts';
import type { CredentialConfig } from '../../domain/sender.ts';
import type { SureCredential } from '../azure-credential.ts';
import { certificateCache } from '../key-vault/certificate-cache.ts';
import type { VaultConfig } from '../key-vault/vault-call.ts';
import { type SecretReader, vaultReader } from '../key-vault/vault-reader.ts';
import { vaultSigner } from '../key-vault/vault-signer.ts';

const DAY_MS = 86_400_000;

/** A vault opened for one round: everything is read once, by a new client, and what was read is shared by the phases. */
export interface FreshVault {
  readonly vault: CredentialVault;
  readonly reader: SecretReader;
}

/** Opens a vault with an identity that has just proved itself. Reads nothing yet. */
export function freshVault(config: Omit<VaultConfig, 'credential'>, identity: SureCredential): FreshVault {
  const fresh = { ...config, credential: () => Promise.resolve(identity) };
  const reader = readOnce(vaultReader(fresh));
  return {
    reader,
    vault: {
      secret: name => reader.secret(name),
      certificate: certificateCache(reader, () => Date.now()),
      sign: vaultSigner(fresh),
    },
  };
}

function readOnce(reader: SecretReader): SecretReader {
  const secrets = new Map<string, Promise<VaultSecret>>();
  const lists = new Map<string, Promise<readonly VaultSecretVersion[]>>();
  return {
    secret(name, version) {
      const key = `${name}/${version ?? ''}`;
      const known = secrets.get(key) ?? reader.secret(name, version);
      secrets.set(key, known);
      return known;
    },
    versions(name) {
      const known = lists.get(name) ?? reader.versions(name);
      lists.set(name, known);
      return known;
    },
  };
}

type VaultedCredential = Exclude<CredentialConfig, { readonly kind: 'managedIdentity' }>;

/**
 * Phase `vault`: the credential's versions and its newest value, read anew. Carries a warning where an older version of
 * the certificate stands in for the newest one.
 *
 * @returns what it is and when it ends
 */
export function vaultPhase(
  opened: FreshVault,
  credential: VaultedCredential,
  log: Log,
): Promise<PhaseOutcome<ProbedCredential>> {
  return runPhase('vault', async () => {
    // Not needed while all is well, yet on the day of a bad renewal nothing else leads to the version before.
    const listed = opened.reader.versions(credential.name).catch((error: unknown) => error);
    const found =
      credential.kind === 'certificate'
        ? certificateFinding(credential, await opened.vault.certificate(credential.name, { force: false }, log))
        : secretFinding(credential.name, await opened.vault.secret(credential.name));
    const versions = await listed;
    return { ...found, detail: `${found.detail}; ${describeVersions(versions)}` };
  });
}

function certificateFinding(
  { name, sign }: Extract<VaultedCredential, { kind: 'certificate' }>,
  { version, notAfterMs, key, keyId, standsInFor }: AppCertificate,
): PhaseFinding<ProbedCredential> {
  if (sign === 'local' && !key)
    throw noKey(`the private key of ${name} may not leave the vault, and "sign":"vault" is not set`);
  if (sign === 'vault' && keyId === undefined) throw noKey(`the secret ${name} names no key of the vault`);
  const instead =
    standsInFor === undefined
      ? ''
      : `; it stands in for ${standsInFor.version ?? 'the newest version'}, which is ${REASONS[standsInFor.reason]}`;
  // Disabled, or to begin later: somebody meant that.
  const isMeant = standsInFor?.reason === 'disabled' || standsInFor?.reason === 'notYetValid';
  return {
    value: { kind: 'certificate', name, version, expiresAt: new Date(notAfterMs).toISOString() },
    detail: `certificate ${name}, version ${version}, ${daysLeft(notAfterMs)}${instead}`,
    ...(isMeant ? {} : { code: standsInFor?.code }),
  };
}

function secretFinding(name: string, { version, expiresAtMs }: VaultSecret): PhaseFinding<ProbedCredential> {
  const end = expiresAtMs === undefined ? {} : { expiresAt: new Date(expiresAtMs).toISOString() };
  const left = expiresAtMs === undefined ? 'without an expiry date in the vault' : daysLeft(expiresAtMs);
  return { value: { kind: 'secret', name, version, ...end }, detail: `secret ${name}, version ${version}, ${left}` };
}

function describeVersions(versions: unknown): string {
  if (Array.isArray(versions)) return `${versions.length} version${versions.length === 1 ? '' : 's'}`;
  const status = versions instanceof ServiceFailure ? versions.facts.httpStatus : undefined;
  return status === 403
    ? 'its versions may not be listed, so that an older one could not stand in for a bad one'
    : 'its versions could not be listed';
}

function daysLeft(endMs: number): string {
  const days = Math.floor((endMs - Date.now()) / DAY_MS);
  return `${days} day${days === 1 ? '' : 's'} left`;
}

const REASONS = {
  refused: 'refused by Entra ID',
  disabled: 'disabled',
  notYetValid: 'not valid yet',
  expired: 'expired',
  unusable: 'unusable',
} as const;

function noKey(text: string): ServiceFailure {
  return new ServiceFailure(`Key Vault: ${text}`, { stage: 'vault', errorCode: 'vault_no_private_key', text });
}
