import { type RotatedCredential, rotatedCredentials } from '../functions/rotation.ts';
import { readSettings, type Settings } from '../shared/config/settings.ts';
import type { Sender } from '../shared/domain/sender.ts';

/** What concerns certificates; the rest of the app's settings need not be at hand here. */
const USED =
  /^(AZURE_CLIENT_ID|KEY_VAULT_URL|MAIL_TENANT_ID|MAIL_CLIENT_ID|MAIL_CERTIFICATE_NAME|MAIL_APP_OBJECT_ID|MAIL_SENDERS|AZURE_AUTHORITY_HOST|MICROSOFT_GRAPH_URL|CERTIFICATE_ROTATION.*)$/;

export interface Chosen extends RotatedCredential {
  readonly settings: Settings;
  readonly tenantId: string;
}

/**
 * The certificate that is meant, from the app's settings.
 *
 * @param name of the certificate; not needed where the senders use a single one. A new name gets the first sender's app
 * @throws Error that says by name what is wrong with the settings
 */
export function chooseCredential(
  env: Readonly<Record<string, string | undefined>>,
  name: string | undefined,
  now: () => number,
): Chosen {
  const used = Object.fromEntries(Object.entries(env).filter(([key]) => USED.test(key)));
  const result = readSettings({
    ...used,
    // Not used, yet asked for.
    AzureWebJobsStorage: 'UseDevelopmentStorage=true',
    MAIL_MAILBOX: 'nobody@example.com',
    ...(name !== undefined && !used['MAIL_CERTIFICATE_NAME'] ? { MAIL_CERTIFICATE_NAME: name } : {}),
  });
  if (!result.ok) {
    const problems = result.problems.map(({ setting, problem }) => `  ${setting} ${problem}`);
    throw new Error(`The settings, from the environment and local.settings.json, do not do:\n${problems.join('\n')}`);
  }
  const { settings } = result;
  const senders = settings.mail.senders.filter(({ credential }) => credential.kind === 'certificate');
  const known = [...new Set(senders.map(nameOf))];
  if (senders.length === 0) throw new Error('No sender signs in with a certificate.');
  if (name === undefined && known.length > 1) throw new Error(`Which certificate? --name ${known.join(' or ')}`);
  const wanted = name ?? known[0] ?? '';
  const users = senders.filter(sender => nameOf(sender) === wanted);
  const [first] = senders;
  if (users.length === 0 && first?.credential.kind === 'certificate')
    users.push({ ...first, credential: { ...first.credential, name: wanted } });
  const [credential] = rotatedCredentials(settings, users, now);
  if (!credential) throw new Error(`No sender uses ${wanted}.`);
  return { ...credential, settings, tenantId: users[0]?.tenantId ?? '' };
}

const nameOf = ({ credential }: Sender): string => (credential.kind === 'certificate' ? credential.name : '');
