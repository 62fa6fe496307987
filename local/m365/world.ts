/** What the simulated tenant holds. Plain mutable data: a change takes effect with the next request. */
export interface World {
  /** GUID of the tenant. Entra also answers to `tenantDomain`. */
  tenantId: string;
  tenantName: string;
  tenantDomain: string;
  /** Client id of the app that the settings name. */
  clientId: string;
  apps: App[];
  identities: Identity[];
  vault: Vault;
  exchange: Exchange;
  mailboxes: Mailbox[];
  tokens: {
    /** Lifetime of access tokens, seconds (Entra: 60 to 90 minutes). */
    lifetimeSeconds: number;
    /** Lifetime of managed identity tokens, seconds (Azure: 24 hours). */
    identityLifetimeSeconds: number;
  };
  graph: Graph;
  /** The cloud's clock minus this machine's, ms. Moves the judging of assertions and tokens and the Date header. */
  clockOffsetMs: number;
}

/** How Microsoft Graph treats an app that has no permission. */
export interface Graph {
  /** Whether it may read its own registration: seen to work and promised nowhere, so not the default. */
  canReadOwnApp: boolean;
  /** How long a key that Graph has added stays unknown to the token service, ms. */
  keyPropagationMs: number;
}

/** An app registration together with its service principal in the tenant. */
export interface App {
  clientId: string;
  displayName: string;
  /** Object id of the *App registration*: what Graph calls the application's `id`. */
  applicationObjectId: string;
  /** Object id of the service principal (the *Enterprise application*); becomes `oid`. */
  objectId: string;
  /** False answers AADSTS7000112. */
  enabled: boolean;
  /** False answers AADSTS7000229. */
  hasServicePrincipal: boolean;
  /** Conditional Access for workload identities: true answers AADSTS53003. */
  blockedByConditionalAccess: boolean;
  /** Public certificates uploaded to the registration, PEM. */
  certificates: string[];
  secrets: ClientSecret[];
  federated: FederatedCredential[];
  /** Application permissions with admin consent, e.g. SMTP.SendAsApp; they become `roles`. */
  roles: string[];
}

interface ClientSecret {
  value: string;
  expiresAt: Date;
}

interface FederatedCredential {
  issuer: string;
  subject: string;
  audience: string;
}

/** A managed identity that the App Service endpoint serves. */
export interface Identity {
  kind: 'systemAssigned' | 'userAssigned';
  clientId: string;
  principalId: string;
  /** Key Vault operations allowed, e.g. ['secrets/get', 'keys/sign']; undefined: all of them. */
  vaultOperations?: string[];
}

export interface Vault {
  name: string;
  /** By name, versions oldest first; the last one is what a request without version gets. */
  secrets: Record<string, SecretVersion[]>;
  certificates: Record<string, VaultCertificate>;
}

export interface SecretVersion {
  /** 32 hex digits. */
  version: string;
  value: string;
  contentType?: string;
  tags?: Record<string, string>;
  enabled: boolean;
  createdAt: Date;
  notBefore?: Date;
  expiresAt?: Date;
}

export interface VaultCertificate {
  /** Form of the secret behind the certificate: base64 PFX with an empty password, or PEM with a PKCS#8 key. */
  contentType: 'application/x-pkcs12' | 'application/x-pem-file';
  /** False: the key never leaves the vault; the secret holds the certificate alone. */
  exportable: boolean;
  pfxEncryption?: 'tripleDesSha1' | 'aes256Sha256';
  /** The policy it was last created with, in the form of the REST API; without it one is made up from the newest version. */
  policy?: Record<string, unknown>;
  /** The latest creation of a version. */
  pending?: { requestId: string; status: 'inProgress' | 'completed' };
  /** Oldest first. */
  versions: CertificateVersion[];
}

export interface CertificateVersion {
  version: string;
  /** Certificate, PEM; further certificates of the chain may follow. */
  pem: string;
  /** Private key, PKCS#8 PEM. */
  key: string;
  tags?: Record<string, string>;
  enabled: boolean;
  createdAt: Date;
  /** Attributes of the vault; by default the certificate's own validity. */
  notBefore?: Date;
  expiresAt?: Date;
}

export interface Exchange {
  /** First label of the host name in greetings and replies. */
  hostLabel: string;
  /** Tenant-wide Set-TransportConfig -SmtpClientAuthenticationDisabled; a mailbox's own setting wins. */
  smtpAuthDisabled: boolean;
  /** How apps are authorised: by the SMTP.SendAsApp claim and FullAccess, or by App RBAC role assignments. */
  mode: 'claim' | 'appRbac';
  /** New-ServicePrincipal: the object id must be the service principal's, or sign-in fails with 535 5.7.3. */
  servicePrincipals: { clientId: string; objectId: string }[];
  /** A failed AUTH XOAUTH2 gets its 535 at once, or a `334` (bare, or with base64 JSON) first. */
  failureForm: 'direct' | 'bareChallenge' | 'jsonChallenge';
  /** Refuse content with a bare LF or CR (550 5.6.11). It is recorded either way. */
  refuseBareLineEnds: boolean;
  /** Idle time after which a session is closed, ms. */
  idleMs: number;
  limits: Limits;
}

export interface Limits {
  /** Concurrent connections per mailbox. */
  connections: number;
  /** Where the limit is judged: at AUTH, or after the dot as Exchange does. */
  connectionsJudgedAt: 'auth' | 'dot';
  messagesPerMinute: number;
  /** Length of the sliding window of `messagesPerMinute`, ms; 60 000 but for tests. */
  rateWindowMs: number;
  /** What happens above the rate: the 250 comes late, or the message is refused with that code, or nothing. */
  rateAction: 'delay' | '421' | '432' | 'off';
  /** Recipients in a sliding window of 24 hours. */
  recipientsPerDay: number;
  recipientsPerMessage: number;
  messageBytes: number;
}

export interface Mailbox {
  address: string;
  /** Set-CASMailbox -SmtpClientAuthenticationDisabled; undefined: the tenant's setting. */
  smtpAuthDisabled?: boolean;
  /** Other addresses it may send as; `*@domain` for a whole domain. */
  sendAs: string[];
  /** Client ids of apps whose App RBAC role assignment has this mailbox in scope. */
  appRbac: string[];
  /** Client ids of apps whose service principal has FullAccess (claim mode). */
  fullAccess: string[];
  /** A lasting block, answered at MAIL FROM and after the dot: the reply's text, e.g. from `MAILBOX_BLOCKS`. */
  blocked?: string;
  /** Mailbox full: 554 5.2.2 after the dot. */
  full?: boolean;
  limits?: Partial<Limits>;
}

/** Deep partial where arrays and dates are replaced whole. */
export type Override<T> = T extends unknown[] | Date ? T : T extends object ? { [K in keyof T]?: Override<T[K]> } : T;

/** `base` with `override` laid over it; objects merge, everything else replaces. */
export function overlay<T>(base: T, override: Override<T> | undefined): T {
  return merge(base, override) as T;
}

function merge(base: unknown, override: unknown): unknown {
  if (override === undefined) return base;
  if (!isPlainObject(base) || !isPlainObject(override)) return override;
  const merged: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(override)) merged[key] = merge(merged[key], value);
  return merged;
}

const isPlainObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
