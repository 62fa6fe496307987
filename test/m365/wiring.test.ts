import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { startForTest } from './harness.ts';

/** What an app does with nothing but the settings: identity, vault, token, mail. */
const APP = `
import { ManagedIdentityCredential } from '@azure/identity';
import { SecretClient } from '@azure/keyvault-secrets';
import { ConfidentialClientApplication } from '@azure/msal-node';
import { X509Certificate } from 'node:crypto';
import { createTransport } from 'nodemailer';
const e = process.env;
const vault = new SecretClient(e.KEY_VAULT_URL, new ManagedIdentityCredential({ clientId: e.AZURE_CLIENT_ID }), { disableChallengeResourceVerification: true });
const { value } = await vault.getSecret('exosend-smtp-pem');
const x5c = value.slice(value.indexOf('-----BEGIN CERTIFICATE'));
const thumbprintSha256 = new X509Certificate(x5c).fingerprint256.replaceAll(':', '');
const authority = e.AZURE_AUTHORITY_HOST + '/' + e.MAIL_TENANT_ID;
const client = new ConfidentialClientApplication({ auth: { clientId: e.MAIL_CLIENT_ID, authority, knownAuthorities: [new URL(authority).host], clientCertificate: { thumbprintSha256, privateKey: value, x5c } } });
const { accessToken } = await client.acquireTokenByClientCredential({ scopes: ['https://outlook.office365.com/.default'] });
const transport = createTransport({ host: e.SMTP_HOST, port: Number(e.SMTP_PORT), requireTLS: true, auth: { type: 'OAuth2', user: e.MAIL_MAILBOX, accessToken } });
await transport.sendMail({ from: e.MAIL_MAILBOX, to: 'a@example.com', subject: 'wired', text: 'x' });
`;

test('the settings alone wire an app to the simulators, from identity to 250', async t => {
  const m365 = await startForTest(t);
  const env = { ...process.env, ...m365.settings };
  await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', APP], {
    env,
    cwd: import.meta.dirname,
  });
  assert.match(m365.mails.list()[0]?.raw.toString() ?? '', /^Subject: wired$/m);
});
