import type { KeyObject, X509Certificate } from 'node:crypto';
import type { Log } from './ports.ts';
import type { Sender } from './sender.ts';

/** A secret as read from Key Vault: its value never leaves the adapters. */
export interface VaultSecret {
  readonly value: string;
  readonly contentType: string;
  readonly version: string;
  readonly expiresAtMs?: number;
  /** Identifier of the certificate's key, for signing in the vault. */
  readonly keyId?: string;
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
  readonly notAfterMs: number;
  /** Identifier of the key in the vault. */
  readonly keyId?: string;
}

/** What the way to a token needs of Key Vault and of the app's own identity. Faults are thrown as ServiceFailure. */
export interface CredentialVault {
  secret(name: string): Promise<VaultSecret>;
  /** `force` reads it anew, e.g. after Entra refused it. */
  certificate(name: string, options: { readonly force: boolean }, log: Log): Promise<AppCertificate>;
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
