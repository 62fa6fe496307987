import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { readSettings } from '../../shared/config/settings.ts';

const GUID = '11111111-2222-3333-4444-555555555555';
const flat = {
  AzureWebJobsStorage: 'UseDevelopmentStorage=true',
  KEY_VAULT_URL: 'https://contoso.vault.azure.net/',
  MAIL_TENANT_ID: GUID,
  MAIL_CLIENT_ID: GUID,
  MAIL_MAILBOX: 'Billing@Contoso.com',
  MAIL_CERTIFICATE_NAME: 'exosend-smtp',
};

test('the one-mailbox set-up, with Exchange Online’s own values as defaults', () => {
  const result = readSettings(flat);
  assert.ok(result.ok, JSON.stringify(result));
  const { mail, smtp, entra, vault } = result.settings;
  assert.deepEqual(smtp, { host: 'smtp.office365.com', port: 587 });
  assert.equal(entra.authorityHost, 'https://login.microsoftonline.com');
  assert.equal(vault.url, 'https://contoso.vault.azure.net');
  assert.deepEqual(mail.senders[0]?.from, ['Billing@contoso.com']);
  assert.deepEqual(mail.senders[0]?.limits, {
    messagesPerMinute: 30,
    recipientsPerDay: 10_000,
    connections: 3,
    recipientsPerMessage: 500,
    messageBytes: 36_700_160,
  });
  assert.equal(mail.deadlineMs, 86_400_000);
});

test('all problems at once, by name, without a value', () => {
  const secret = 'S3cret~Value';
  const result = readSettings({
    KEY_VAULT_URL: `http://${secret}`,
    MAIL_CLIENT_ID: secret,
    MAIL_MAILBOX: secret,
    SMTP_PORT: secret,
    MAIL_MODE: secret,
    MAIL_DEADLINE_HOURS: '-1',
    MAIL_ALLOW_LIST: `[${secret}`,
    AZURE_AUTHORITY_HOST: 'ftp://x',
  });
  assert.ok(!result.ok);
  const names = result.problems.map(problem => problem.setting).sort();
  assert.deepEqual(
    names,
    [
      'AZURE_AUTHORITY_HOST',
      'AzureWebJobsStorage',
      'KEY_VAULT_URL',
      'MAIL_ALLOW_LIST',
      'MAIL_CERTIFICATE_NAME',
      'MAIL_CLIENT_ID',
      'MAIL_DEADLINE_HOURS',
      'MAIL_MAILBOX',
      'MAIL_MODE',
      'MAIL_TENANT_ID',
      'SMTP_PORT',
    ].sort(),
  );
  assert.ok(!JSON.stringify(result).includes(secret));
});

test('an unresolved Key Vault reference is named for what it is', () => {
  const result = readSettings({ ...flat, MAIL_TENANT_ID: '@Microsoft.KeyVault(SecretUri=https://x)' });
  assert.ok(!result.ok);
  assert.match(result.problems[0]?.problem ?? '', /Key Vault reference/);
});

test('storage by identity: URIs, or the account name alone', () => {
  const { AzureWebJobsStorage: _none, ...rest } = flat;
  const byName = readSettings({ ...rest, AzureWebJobsStorage__accountName: 'contoso', AZURE_CLIENT_ID: GUID });
  assert.ok(byName.ok);
  assert.deepEqual(byName.settings.storage, {
    kind: 'identity',
    queueUri: 'https://contoso.queue.core.windows.net',
    blobUri: 'https://contoso.blob.core.windows.net',
    tableUri: 'https://contoso.table.core.windows.net',
    clientId: GUID,
  });
  const incomplete = readSettings({
    ...rest,
    AzureWebJobsStorage__queueServiceUri: 'https://contoso.queue.core.windows.net',
  });
  assert.ok(!incomplete.ok);
  assert.deepEqual(
    incomplete.problems.map(problem => problem.setting),
    ['AzureWebJobsStorage__blobServiceUri', 'AzureWebJobsStorage__tableServiceUri'],
  );
});

test('many senders, every kind of credential', () => {
  const app = { tenantId: 'contoso.onmicrosoft.com', clientId: GUID };
  const MAIL_SENDERS = JSON.stringify([
    {
      mailbox: 'a@contoso.com',
      from: ['*@contoso.com'],
      ...app,
      credential: { kind: 'certificate', name: 'c', sign: 'vault' },
      limits: { messagesPerMinute: 60 },
      authorization: 'appRbac',
    },
    { mailboxes: ['b@contoso.com', 'c@contoso.com'], ...app, credential: { kind: 'managedIdentity', clientId: GUID } },
    { mailbox: 'd@contoso.com', ...app, credential: { kind: 'secret', name: 's' } },
  ]);
  const result = readSettings({ ...flat, MAIL_SENDERS });
  assert.ok(result.ok, JSON.stringify(result));
  const [first, second] = result.settings.mail.senders;
  assert.equal(first?.limits.messagesPerMinute, 60);
  assert.equal(first?.limits.connections, 3);
  assert.deepEqual(second?.from, ['b@contoso.com', 'c@contoso.com']);
});

test('a fault in MAIL_SENDERS is named by its place', () => {
  const result = readSettings({
    ...flat,
    MAIL_SENDERS: JSON.stringify([
      {
        mailbox: 'a@contoso.com',
        tenantId: 'x y',
        clientId: 'nope',
        credential: { kind: 'password', name: 'x' },
        extra: 1,
      },
    ]),
  });
  assert.ok(!result.ok);
  const names = result.problems.map(problem => problem.setting);
  for (const name of ['MAIL_SENDERS[0].tenantId', 'MAIL_SENDERS[0].clientId', 'MAIL_SENDERS[0].credential.kind'])
    assert.ok(names.includes(name), `${name} in ${names}`);
});

test('a federated managed identity needs no vault', () => {
  const { KEY_VAULT_URL: _none, ...rest } = flat;
  const MAIL_SENDERS = JSON.stringify([
    { mailbox: 'a@contoso.com', tenantId: GUID, clientId: GUID, credential: { kind: 'managedIdentity' } },
  ]);
  assert.ok(readSettings({ ...rest, MAIL_SENDERS }).ok);
});

test('the sample file has good settings', async () => {
  const sample = JSON.parse(await readFile('local.settings.sample.json', 'utf8')) as { Values: Record<string, string> };
  const result = readSettings(sample.Values);
  assert.ok(result.ok, JSON.stringify(result));
});
