import { newMailbox } from '../../local/m365/default-world.ts';
import type { Fault } from '../../local/m365/faults.ts';
import type { M365 } from '../../local/m365/m365.ts';
import { rotateCertificate } from '../../local/m365/rotate-certificate.ts';
import { MAILBOX_BLOCKS } from '../../local/m365/smtp/accept-message.ts';
import type { App, Mailbox } from '../../local/m365/world.ts';
import { MAILBOX, type ProbeFault } from './probe-fault.ts';

/** Certificate in the vault that the sender signs with. */
export const CERTIFICATE = 'exosend-smtp';
const DAY_MS = 86_400_000;

const fault =
  (...faults: Fault[]): ProbeFault['strike'] =>
  m365 =>
    m365.faults.set(faults);

const app =
  (change: Partial<App>): ProbeFault['strike'] =>
  ({ world }) => {
    for (const one of world.apps) Object.assign(one, change);
  };

const mailbox =
  (change: Partial<Mailbox>): ProbeFault['strike'] =>
  ({ world }) => {
    world.mailboxes = world.mailboxes.map(one =>
      one.address === MAILBOX ? { ...newMailbox(MAILBOX, [world.clientId]), ...change } : one,
    );
  };

/** The newest and only version has run out, in the vault and at Entra alike. */
async function expireCertificate({ world }: M365): Promise<void> {
  const dates = { notBefore: new Date(Date.now() - 365 * DAY_MS), notAfter: new Date(Date.now() - DAY_MS) };
  const version = await rotateCertificate(world, CERTIFICATE, { bits: 2048, ...dates });
  const certificate = world.vault.certificates[CERTIFICATE];
  if (certificate) certificate.versions = [version];
}

const UNKNOWN_TENANT = {
  error: 'invalid_request',
  error_description:
    "AADSTS90002: Tenant 'c0de0000-5e4d-4a11-8e57-c0a70500e001' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud.",
  error_codes: [90002],
};

const ofServer = { mailboxes: [MAILBOX] };
const ofMailbox = { hit: [MAILBOX] };

/** In the order of the mail's way. */
export const PROBE_FAULTS: readonly ProbeFault[] = [
  {
    name: 'managed identity answers 500',
    code: 'identity_unavailable',
    strike: fault({ at: 'identity', action: 'http', status: 500 }),
  },
  {
    name: 'Key Vault forbids (403)',
    code: 'vault_forbidden',
    strike: ({ world }) => {
      for (const identity of world.identities) identity.vaultOperations = [];
    },
  },
  {
    name: 'Key Vault answers 503',
    code: 'vault_unavailable',
    strike: fault({ at: 'vault', action: 'http', status: 503 }),
  },
  { name: 'certificate expired', code: 'vault_certificate_expired', strike: expireCertificate },
  {
    name: 'certificate not registered in Entra',
    code: 'entra_certificate_not_registered',
    strike: app({ certificates: [] }),
  },
  { name: 'app disabled in Entra', code: 'entra_app_disabled', strike: app({ enabled: false }) },
  {
    name: 'tenant not found (AADSTS90002)',
    code: 'entra_tenant_not_found',
    strike: fault(
      { at: 'token', action: 'http', status: 400, body: UNKNOWN_TENANT },
      { at: 'discovery', action: 'http', status: 400, body: UNKNOWN_TENANT },
    ),
  },
  {
    name: 'Entra answers 503',
    code: 'entra_unavailable',
    strike: fault({ at: 'token', action: 'http', status: 503 }),
  },
  {
    name: 'a page in place of a token',
    code: 'entra_answer_unreadable',
    strike: fault({ at: 'token', action: 'http', status: 200, body: '<html><body>Please sign in</body></html>' }),
  },
  {
    name: 'greeting 421',
    code: 'smtp_service_not_active',
    ...ofServer,
    strike: fault({ at: 'smtp.greeting', action: 'reply', text: '421 4.3.2 Service not active' }),
  },
  {
    name: 'greeting 554',
    code: 'smtp_service_refused',
    ...ofServer,
    strike: fault({ at: 'smtp.greeting', action: 'reply', text: '554 5.3.2 No service here', close: true }),
  },
  {
    name: 'dropped at EHLO',
    code: 'smtp_connection_lost',
    ...ofServer,
    strike: fault({ at: 'smtp.ehlo', action: 'drop' }),
  },
  {
    name: 'STARTTLS not offered',
    code: 'tls_starttls_not_offered',
    ...ofServer,
    strike: fault({ at: 'smtp.ehlo', action: 'reply', text: '250 AM0PR04CA0017.outlook.office365.com Hello' }),
  },
  {
    name: 'certificate of a proxy in TLS',
    code: 'tls_certificate_untrusted',
    ...ofServer,
    strike: fault({ at: 'smtp.tls', action: 'certificate', kind: 'untrusted' }),
  },
  {
    name: 'mailbox out of scope (535 5.7.3)',
    code: 'smtp_auth_unsuccessful',
    ...ofMailbox,
    strike: mailbox({ appRbac: [] }),
  },
  {
    name: 'SMTP AUTH off for the mailbox',
    code: 'smtp_auth_disabled_mailbox',
    ...ofMailbox,
    strike: mailbox({ smtpAuthDisabled: true }),
  },
  {
    name: 'mailbox shut off (550 5.2.252)',
    code: 'smtp_shut_off_send_as',
    ...ofMailbox,
    strike: mailbox({ blocked: MAILBOX_BLOCKS.sendAsDenied }),
  },
  {
    name: 'mailbox blocked as a spammer (550 5.1.8)',
    code: 'smtp_sender_blocked',
    ...ofMailbox,
    strike: mailbox({ blocked: MAILBOX_BLOCKS.outboundSpam }),
  },
];
