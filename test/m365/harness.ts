import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { type M365, type M365Options, startM365 } from '../../local/m365/start-m365.ts';

/** Keys are made once per machine, not once per test. */
const STATE_DIR = join(tmpdir(), 'exosend-test-m365');

/** Starts the simulators on free ports, trusts their CA in this process and closes them when the test is over. */
export async function startForTest(
  test: { after(close: () => Promise<void>): void },
  options: Partial<M365Options> = {},
): Promise<M365> {
  const m365 = await startM365({ stateDir: STATE_DIR, ...options });
  test.after(() => m365.close());
  setDefaultCACertificates([...getCACertificates('bundled'), m365.state.caPem]);
  return m365;
}

/** An access token of the app, by its client secret. @param scope default: Exchange Online's */
export async function fetchToken(m365: M365, scope = 'https://outlook.office365.com/.default'): Promise<string> {
  const { world, settings } = m365;
  const secret = world.apps[0]?.secrets[0]?.value ?? '';
  const answer = await postToken(settings, { client_id: world.clientId, client_secret: secret, scope });
  return String(answer.body['access_token']);
}

/** One raw request to the token endpoint. */
export async function postToken(
  settings: Record<string, string>,
  form: Record<string, string>,
): Promise<{ status: number; headers: Headers; body: Record<string, unknown> }> {
  const url = `${settings['AZURE_AUTHORITY_HOST']}/${settings['MAIL_TENANT_ID']}/oauth2/v2.0/token`;
  const body = new URLSearchParams({ grant_type: 'client_credentials', ...form });
  const response = await fetch(url, { method: 'POST', body });
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as Record<string, unknown>,
  };
}

/** An access token of a managed identity. @param clientId default: the system-assigned one */
export async function fetchIdentityToken(m365: M365, resource: string, clientId?: string): Promise<string> {
  const { settings } = m365;
  const query = new URLSearchParams({
    'api-version': '2019-08-01',
    resource,
    ...(clientId ? { client_id: clientId } : {}),
  });
  const headers = { 'X-IDENTITY-HEADER': settings['IDENTITY_HEADER'] ?? '' };
  const response = await fetch(`${settings['IDENTITY_ENDPOINT']}?${query}`, { headers });
  return String(((await response.json()) as Record<string, unknown>)['access_token']);
}

/** SASL XOAUTH2 initial response. */
export const xoauth2 = (mailbox: string, token: string): string =>
  Buffer.from(`user=${mailbox}\x01auth=Bearer ${token}\x01\x01`).toString('base64');
