import type { KeyObject, X509Certificate } from 'node:crypto';
import type { Log } from './ports.ts';
import type { Sender } from './sender.ts';

/** A secret as read from Key Vault: its value never leaves the adapters. */
export interface VaultSecret {
  readonly value: string;
  readonly contentType: string;
  readonly version: string;
  readonly notBeforeMs?: number;
  readonly expiresAtMs?: number;
  /** Identifier of the certificate's key, for signing in the vault. */
  readonly keyId?: string;
  /** The version before this one, where the vault says so (certificates made since June 2025). */
  readonly previousVersion?: string;
}

/** One version of a secret as the vault lists it, without its value. */
export interface VaultSecretVersion {
  readonly version: string;
  readonly isEnabled: boolean;
  readonly createdAtMs: number;
  readonly notBeforeMs?: number;
  readonly expiresAtMs?: number;
}

/** Why the newest version of a certificate is not the one in use. */
export type PassedOverReason = 'refused' | 'disabled' | 'notYetValid' | 'expired' | 'unusable';

/** The newest version of a certificate where another one serves in its place. */
export interface PassedOver {
  readonly reason: PassedOverReason;
  /** Unknown when the vault does not hand out the newest version, e.g. because it is disabled. */
  readonly version?: string;
  /** Code of the diagnosis that explains it; absent for a version that is merely not valid yet. */
  readonly code?: string;
}

/** A certificate with its chain; `key` is absent where it may not leave the vault. */
export interface AppCertificate {
  readonly version: string;
  readonly leaf: X509Certificate;
  /** PEM of the chain, leaf first: what Entra ID takes as x5c. */
  readonly chainPem: string;
  readonly key?: KeyObject;
  /** SHA-256 of the leaf's DER, upper-case hex without colons. */
  readonly thumbprintSha256: string;
  /** Validity: of the certificate, narrowed by the vault's attributes. */
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** Identifier of the key in the vault. */
  readonly keyId?: string;
  /** Present when this is not the newest version. */
  readonly standsInFor?: PassedOver;
}

/** What the way to a token needs of Key Vault and of the app's own identity. Faults are thrown as ServiceFailure. */
export interface CredentialVault {
  secret(name: string): Promise<VaultSecret>;
  /**
   * The newest version that is enabled, valid now and not in `avoid` (version → diagnosis code of its refusal). When all
   * usable ones are in `avoid`, the newest of these: there is nothing to lose. `force` reads anew, e.g. after a refusal.
   */
  certificate(
    name: string,
    options: { readonly force: boolean; readonly avoid?: ReadonlyMap<string, string> },
    log: Log,
  ): Promise<AppCertificate>;
  /** PS256 signature (RFC 7518 3.5) over a SHA-256 digest, by a key that stays in the vault. */
  sign(keyId: string, digest: Uint8Array): Promise<Uint8Array>;
}

/** A token of the managed identity for a federated credential. `clientId` absent = the app's usual identity. */
export type FederatedToken = (clientId: string | undefined, audience: string) => Promise<string>;

/** Gives an access token for a sender; `force` asks Entra anew, whatever is cached. */
export type TokenSource = (
  sender: Sender,
  options: { readonly force: boolean },
  log: Log,
) => Promise<{ readonly token: string }>;

/** The certificate with which an app last obtained a token, in this process. */
export interface CredentialState {
  readonly name: string;
  readonly tenantId: string;
  readonly clientId: string;
  readonly version: string;
  readonly expiresAtMs: number;
  /** Present while an older version serves in place of the newest. */
  readonly fallback?: PassedOver & { readonly sinceMs: number };
}
