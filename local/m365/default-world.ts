import { randomBytes } from 'node:crypto';
import type { State } from './state.ts';
import type { App, CertificateVersion, Limits, Mailbox, VaultCertificate, World } from './world.ts';
import type { MadeCertificate } from './x509/make-certificate.ts';

export const TENANT_ID = 'c0de0000-5e4d-4a11-8e57-c0a70500e001';
export const CLIENT_ID = '7d0a1f0e-2f4c-4c0f-9b5e-5a1c6f2d3e01';
export const APPLICATION_OBJECT_ID = '5b9c3d7e-8a16-4f2b-a0d4-3c6e1f7b9d03';
const SYSTEM_CLIENT_ID = '1b6f0c7a-9d53-4b0b-8f6a-0d2f4c8e7a11';
const USER_CLIENT_ID = '3c8e2d9b-6a41-4f7e-9c25-7b1d5e9f0a22';
const USER_PRINCIPAL_ID = '4d9f3eac-7b52-4a8f-8d36-8c2e6fa01b33';
const CLIENT_SECRET = 'Sim8Q~default.client.secret.of.exosend~01';

/** Exchange Online's own limits: 3 connections, 30 messages a minute (excess delayed), 10,000 recipients in 24 h, 500 a message, 35 MB. */
const EXCHANGE_LIMITS: Limits = {
  connections: 3,
  connectionsJudgedAt: 'dot',
  messagesPerMinute: 30,
  rateWindowMs: 60_000,
  rateAction: 'delay',
  recipientsPerDay: 10_000,
  recipientsPerMessage: 500,
  messageBytes: 36_700_160,
};

/**
 * The tenant Contoso in App RBAC mode: mailboxes billing@ and noreply@contoso.com, app "exosend" with three certificates and a secret
 * in the vault "contoso", a system-assigned and a user-assigned identity, the latter also a federated credential of the app.
 * @param authorityUrl base of the simulated Entra, without a slash at the end: federated issuers are made of it
 */
export function defaultWorld(state: State, authorityUrl: string): World {
  const tenantId = TENANT_ID;
  const app: App = {
    ...newApp(CLIENT_ID, 'exosend'),
    applicationObjectId: APPLICATION_OBJECT_ID,
    objectId: '8e1b2f1f-305d-4d10-8c6f-6b2d703e4f02',
    certificates: Object.values(state.certificates).map(made => made.pem),
    secrets: [{ value: CLIENT_SECRET, expiresAt: new Date(Date.now() + 180 * 86_400_000) }],
    federated: [
      {
        issuer: `${authorityUrl}/${tenantId}/v2.0`,
        subject: USER_PRINCIPAL_ID,
        audience: 'api://AzureADTokenExchange',
      },
    ],
  };
  return {
    tenantId,
    tenantName: 'Contoso',
    tenantDomain: 'contoso.onmicrosoft.com',
    clientId: CLIENT_ID,
    apps: [app],
    identities: [
      {
        kind: 'systemAssigned',
        clientId: SYSTEM_CLIENT_ID,
        principalId: '2c7f1d8b-0e64-4c1c-9a7b-1e3a5d9f8b44',
      },
      { kind: 'userAssigned', clientId: USER_CLIENT_ID, principalId: USER_PRINCIPAL_ID },
    ],
    vault: {
      name: 'contoso',
      secrets: { 'exosend-smtp-secret': [secretVersion(CLIENT_SECRET)] },
      certificates: {
        'exosend-smtp': vaultCertificate(state.certificates['exosend-smtp']),
        'exosend-smtp-pem': vaultCertificate(state.certificates['exosend-smtp-pem'], {
          contentType: 'application/x-pem-file',
        }),
        'exosend-smtp-vault': vaultCertificate(state.certificates['exosend-smtp-vault'], { exportable: false }),
      },
    },
    exchange: {
      hostLabel: 'AM0PR04CA0017',
      smtpAuthDisabled: false,
      mode: 'appRbac',
      servicePrincipals: [{ clientId: CLIENT_ID, objectId: app.objectId }],
      failureForm: 'direct',
      refuseBareLineEnds: true,
      idleMs: 600_000,
      limits: { ...EXCHANGE_LIMITS },
    },
    mailboxes: ['billing@contoso.com', 'noreply@contoso.com'].map(address => newMailbox(address, [CLIENT_ID])),
    tokens: { lifetimeSeconds: 3599, identityLifetimeSeconds: 86_400 },
    graph: { canReadOwnApp: false, keyPropagationMs: 0 },
    clockOffsetMs: 0,
  };
}

/** An app registration with a service principal and nothing else. */
export function newApp(clientId: string, displayName: string): App {
  return {
    clientId,
    displayName,
    applicationObjectId: `${clientId.slice(0, -2)}fe`,
    objectId: `${clientId.slice(0, -2)}ff`,
    enabled: true,
    hasServicePrincipal: true,
    blockedByConditionalAccess: false,
    certificates: [],
    secrets: [],
    federated: [],
    roles: [],
  };
}

/** A mailbox in the App RBAC scope of the given apps (client ids). */
export function newMailbox(address: string, appRbac: string[] = []): Mailbox {
  return { address, sendAs: [], appRbac, fullAccess: [] };
}

/** One version of a Key Vault secret, made now. */
export function secretVersion(value: string): World['vault']['secrets'][string][number] {
  return { version: newVersion(), value, enabled: true, createdAt: new Date() };
}

/** A Key Vault certificate with one version: exportable PKCS#12 unless said otherwise. */
export function vaultCertificate(
  made: Pick<MadeCertificate, 'pem' | 'key'>,
  options: Partial<Omit<VaultCertificate, 'versions'>> = {},
): VaultCertificate {
  return {
    contentType: 'application/x-pkcs12',
    exportable: true,
    ...options,
    versions: [certificateVersion(made)],
  };
}

/** One version of a Key Vault certificate, made now: push it onto `versions` to rotate. */
export function certificateVersion(made: Pick<MadeCertificate, 'pem' | 'key'>): CertificateVersion {
  return { version: newVersion(), pem: made.pem, key: made.key, enabled: true, createdAt: new Date() };
}

/** A Key Vault version id: 32 hex digits. */
export const newVersion = (): string => randomBytes(16).toString('hex');
