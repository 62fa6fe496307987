import { z } from 'zod';
import { parseAddress, parseAddressPattern } from '../domain/address.ts';
import { type CredentialConfig, EXCHANGE_ONLINE_LIMITS, type MailboxLimits, type Sender } from '../domain/sender.ts';
import { reportIssues } from './report-issues.ts';
import type { SettingReader } from './setting-reader.ts';

/** Tenant ids are GUIDs or a verified domain; client ids are GUIDs. A secret pasted here would otherwise travel in URLs. */
const TENANT = /^[0-9A-Za-z](?:[0-9A-Za-z.-]{0,252}[0-9A-Za-z])$/;
const GUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
/** Key Vault object names: letters, digits, hyphens, 1 to 127 characters. */
const VAULT_NAME = /^[0-9A-Za-z-]{1,127}$/;

const address = z.string().transform((value, context) => {
  const parsed = parseAddress(value.trim());
  if (parsed.ok) return parsed.address;
  context.addIssue({ code: 'custom', message: 'must be a mailbox address' });
  return z.NEVER;
});

const pattern = z.string().transform((value, context) => {
  const parsed = parseAddressPattern(value.trim());
  if (parsed !== undefined) return parsed;
  context.addIssue({ code: 'custom', message: 'must be an address or *@domain' });
  return z.NEVER;
});
const vaultName = z.string().regex(VAULT_NAME, 'must be a Key Vault name (letters, digits, hyphens)');

const credential = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('certificate'),
    name: vaultName,
    sign: z.enum(['local', 'vault']).default('local'),
    applicationObjectId: z.string().regex(GUID, 'must be a GUID').optional(),
  }),
  z.strictObject({ kind: z.literal('managedIdentity'), clientId: z.string().regex(GUID, 'must be a GUID').optional() }),
  z.strictObject({ kind: z.literal('secret'), name: vaultName }),
]);

const positive = z.int().min(1);
const limits = z.strictObject({
  messagesPerMinute: z.number().positive().default(EXCHANGE_ONLINE_LIMITS.messagesPerMinute),
  recipientsPerDay: positive.default(EXCHANGE_ONLINE_LIMITS.recipientsPerDay),
  connections: positive.max(20).default(EXCHANGE_ONLINE_LIMITS.connections),
  recipientsPerMessage: positive.max(1000).default(EXCHANGE_ONLINE_LIMITS.recipientsPerMessage),
  messageBytes: positive.max(157_286_400).default(EXCHANGE_ONLINE_LIMITS.messageBytes),
});

const tenantId = z.string().regex(TENANT, 'must be a tenant id or domain');
const clientId = z.string().regex(GUID, 'must be a GUID');

/** Stands in where nothing is ever proved to anybody: mode sandbox without a tenant. */
const NO_CREDENTIAL = { kind: 'certificate', name: '', sign: 'local' } as const;
const appRegistration = { tenantId, clientId, credential };
const noAppRegistration = {
  tenantId: tenantId.default(''),
  clientId: clientId.default(''),
  credential: credential.default(NO_CREDENTIAL),
};

const senderOf = (registration: typeof appRegistration | typeof noAppRegistration) =>
  z
    .strictObject({
      mailbox: address.optional(),
      mailboxes: z.array(address).min(1).optional(),
      from: z.union([z.array(pattern).min(1), pattern.transform(one => [one])]).optional(),
      ...registration,
      limits: limits.prefault({}),
      authorization: z.enum(['appRbac', 'claim']).optional(),
    })
    .refine(
      value => (value.mailbox === undefined) !== (value.mailboxes === undefined),
      'needs mailbox or mailboxes, one of them',
    );

/**
 * MAIL_SENDERS: every fault is named by its place in the array, never with the value found there.
 *
 * @param isSandbox tenantId, clientId and credential may be left out: nothing is submitted
 */
export function senderList(read: SettingReader, isSandbox: boolean): readonly Sender[] {
  const value = read.json('MAIL_SENDERS', undefined);
  const sender = senderOf(isSandbox ? noAppRegistration : appRegistration);
  const parsed = z.array(sender).min(1, 'must have at least one entry').safeParse(value);
  if (!parsed.success) {
    reportIssues(read, 'MAIL_SENDERS', parsed.error);
    return [];
  }
  return parsed.data.map(entry => {
    const mailboxes = entry.mailboxes ?? (entry.mailbox === undefined ? [] : [entry.mailbox]);
    return toSender(mailboxes, entry.from ?? mailboxes, entry);
  });
}

/** MAIL_TENANT_ID, MAIL_CLIENT_ID, MAIL_MAILBOX and MAIL_CERTIFICATE_NAME: one mailbox, sending as itself. In mode sandbox MAIL_MAILBOX alone is enough. */
export function flatSender(read: SettingReader, isSandbox: boolean): readonly Sender[] {
  const credentialPart = (name: string) => (isSandbox ? (read.optional(name) ?? '') : read.required(name));
  const tenantId = credentialPart('MAIL_TENANT_ID');
  const clientId = credentialPart('MAIL_CLIENT_ID');
  const mailbox = read.required('MAIL_MAILBOX');
  const certificate = credentialPart('MAIL_CERTIFICATE_NAME');
  if (tenantId !== '' && !TENANT.test(tenantId)) read.problem('MAIL_TENANT_ID', 'must be a tenant id or domain');
  if (clientId !== '' && !GUID.test(clientId))
    read.problem('MAIL_CLIENT_ID', 'must be a GUID (the application id of the app registration)');
  if (certificate !== '' && !VAULT_NAME.test(certificate))
    read.problem('MAIL_CERTIFICATE_NAME', 'must be a Key Vault certificate name (letters, digits, hyphens)');
  const applicationObjectId = read.optional('MAIL_APP_OBJECT_ID');
  if (applicationObjectId !== undefined && !GUID.test(applicationObjectId))
    read.problem('MAIL_APP_OBJECT_ID', 'must be a GUID (the object id of the app registration)');
  const parsed = parseAddress(mailbox);
  if (!parsed.ok) {
    if (mailbox !== '') read.problem('MAIL_MAILBOX', `must be a mailbox address; it ${parsed.reason}`);
    return [];
  }
  return [
    toSender([parsed.address], [parsed.address], {
      tenantId,
      clientId,
      credential: { kind: 'certificate', name: certificate, sign: 'local', applicationObjectId },
      limits: EXCHANGE_ONLINE_LIMITS,
    }),
  ];
}

function toSender(
  mailboxes: readonly string[],
  from: readonly string[],
  entry: {
    readonly tenantId: string;
    readonly clientId: string;
    readonly credential: z.output<typeof credential>;
    readonly limits: MailboxLimits;
    readonly authorization?: 'appRbac' | 'claim' | undefined;
  },
): Sender {
  const { credential: proof, authorization } = entry;
  return {
    mailboxes,
    from,
    tenantId: entry.tenantId,
    clientId: entry.clientId,
    credential: toCredential(proof),
    limits: entry.limits,
    ...(authorization === undefined ? {} : { authorization }),
  };
}

/** Without the members that are undefined: the type has them absent. */
function toCredential(proof: z.output<typeof credential>): CredentialConfig {
  switch (proof.kind) {
    case 'managedIdentity':
      return { kind: proof.kind, ...(proof.clientId === undefined ? {} : { clientId: proof.clientId }) };
    case 'certificate': {
      const { applicationObjectId, ...rest } = proof;
      return { ...rest, ...(applicationObjectId === undefined ? {} : { applicationObjectId }) };
    }
    case 'secret':
      return proof;
  }
}
