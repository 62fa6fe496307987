/** One version of a certificate as the vault describes it, without its key. */
export interface CertificateVersion {
  /** 32 hex digits. */
  readonly version: string;
  readonly isEnabled: boolean;
  readonly createdAtMs: number;
  readonly notBeforeMs: number;
  readonly expiresAtMs: number;
  readonly tags: Readonly<Record<string, string>>;
}

/** The versions of one certificate in Key Vault. Faults are ServiceFailure of stage `vault` or `identity`. */
export interface CertificateVersions {
  readonly name: string;
  /** All versions, newest first; a creation that is under way is waited for. Empty when there is no such certificate. */
  list(): Promise<readonly CertificateVersion[]>;
  /** Makes a new version and waits until it is there. @param policy in the form of the REST API; without one that of the last version */
  create(policy?: object): Promise<void>;
  /** The certificate, DER. A disabled version gives it, too. */
  publicPart(version: string): Promise<Uint8Array>;
  /** Changes one version; `tags` replace all that it has. */
  change(
    version: string,
    changes: { readonly tags?: Readonly<Record<string, string>>; readonly isEnabled?: boolean },
  ): Promise<void>;
}

/** One key credential of an app registration. */
export interface RegisteredKey {
  readonly keyId: string;
  /** The certificate, DER. */
  readonly certificate: Uint8Array;
}

/** What an app may read of its own registration. */
export interface Registration {
  readonly objectId: string;
  readonly keys: readonly RegisteredKey[];
}

/**
 * The registration of one app as that app itself can reach it, with a version of its certificate as its proof. Calls of
 * Microsoft Graph fail with GraphFailure, reading a key and asking for a token with ServiceFailure.
 */
export interface AppKeys {
  readonly clientId: string;
  /** Object id of the App registration, where the settings say it. */
  readonly objectId?: string;
  /** Whether Entra ID gives a token for this version; false only when it refuses the certificate itself. */
  isAccepted(version: string): Promise<boolean>;
  /** The own registration; undefined when Microsoft Graph does not let the app read it, which it need not. */
  read(by: string): Promise<Registration | undefined>;
  /** Registers a certificate, DER; gives its keyId, if Microsoft Graph says it. @param by version that signs the proof */
  add(objectId: string, certificate: Uint8Array, by: string): Promise<string | undefined>;
  /** Takes a key away; one that is not there is fine. @param by version that signs the proof, another than the key's */
  remove(objectId: string, keyId: string, by: string): Promise<void>;
}

/** What Microsoft Graph answered, or that it did not. The message says what to do; it holds no secret. */
export class GraphFailure extends Error {
  /** Undefined without an answer. */
  readonly status: number | undefined;
  /** Graph's own, e.g. `Authorization_RequestDenied`. */
  readonly code: string | undefined;
  constructor(message: string, facts: { readonly status?: number; readonly code?: string }, options?: ErrorOptions) {
    super(message, options);
    this.name = 'GraphFailure';
    this.status = facts.status;
    this.code = facts.code;
  }
}

/** Why a rotation cannot go on without a person; each has its line in docs/credentials.md. */
type RotationObstacle =
  | 'no_certificate'
  | 'no_registered_version'
  | 'object_id_unknown'
  | 'would_lock_out'
  | 'creation_pending'
  | 'no_new_version'
  | 'signed_elsewhere';

/** The message says what to do. */
export class RotationBlocked extends Error {
  readonly obstacle: RotationObstacle;
  constructor(obstacle: RotationObstacle, message: string) {
    super(message);
    this.name = 'RotationBlocked';
    this.obstacle = obstacle;
  }
}

/** Key Vault took the order and there is nothing to show for it. */
export function noNewVersion(name: string): RotationBlocked {
  return new RotationBlocked(
    'no_new_version',
    `Key Vault has made no new version of ${name}, and said nothing of it. See what became of the order: az keyvault certificate pending show --vault-name <vault> --name ${name}. Then run npm run credential -- rotate.`,
  );
}
