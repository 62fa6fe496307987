import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readSettings } from '../../shared/config/settings.ts';

const GUID = 'AAAAAAAA-2222-3333-4444-555555555555';
const HASH = 'Ab'.repeat(32);
const base = {
  AzureWebJobsStorage: 'UseDevelopmentStorage=true',
  KEY_VAULT_URL: 'https://contoso.vault.azure.net/',
  MAIL_TENANT_ID: GUID,
  MAIL_CLIENT_ID: GUID,
  MAIL_MAILBOX: 'billing@contoso.com',
  MAIL_CERTIFICATE_NAME: 'exosend-smtp',
};
const read = (callers: unknown, more: Record<string, string> = {}) =>
  readSettings({ ...base, ...more, MAIL_CALLERS: typeof callers === 'string' ? callers : JSON.stringify(callers) });
const problemsOf = (callers: unknown, more: Record<string, string> = {}) => {
  const result = read(callers, more);
  return result.ok ? [] : result.problems.map(({ setting, problem }) => `${setting} ${problem}`);
};

test('every field of a caller, in the form that is compared', () => {
  const result = read([
    {
      name: 'Web shop',
      keySha256: HASH,
      from: ['*@Bücher.example', 'Billing@Contoso.com'],
      recipientDomains: ['Example.COM', '@example.org', '*@example.net', '*.Example.Com', 'ada@example.com', '*'],
      messagesPerMinute: 10,
      messagesPerDay: 500,
      messageBytes: 100_000,
      operator: true,
    },
    { name: 'Web shop', keySha256: 'cd'.repeat(32), appId: GUID },
  ]);
  assert.ok(result.ok, JSON.stringify(result));
  assert.deepEqual(result.settings.callers, [
    {
      name: 'Web shop',
      keySha256: HASH.toLowerCase(),
      isOperator: true,
      rules: {
        from: ['*@xn--bcher-kva.example', 'Billing@contoso.com'],
        recipientDomains: ['example.com', 'example.org', 'example.net', '*.example.com', 'ada@example.com', '*'],
        messagesPerMinute: 10,
        messagesPerDay: 500,
        messageBytes: 100_000,
      },
    },
    { name: 'Web shop', keySha256: 'cd'.repeat(32), appId: GUID.toLowerCase(), isOperator: false, rules: {} },
  ]);
});

test('without the setting there are no callers to tell apart', () => {
  for (const env of [base, { ...base, MAIL_CALLERS: '' }]) {
    const result = readSettings(env);
    assert.ok(result.ok && result.settings.callers === undefined);
  }
});

test('a fault is named by its place, never with its value', () => {
  const secret = 'S3cret~Value';
  const entry = { name: 'a', keySha256: HASH };
  const cases: readonly (readonly [unknown, string])[] = [
    [[{ name: 'a' }], 'MAIL_CALLERS[0] needs keySha256 or appId'],
    [[{ ...entry, keySha256: secret }], 'MAIL_CALLERS[0].keySha256 must be the SHA-256'],
    [[{ name: 'a', appId: secret }], 'MAIL_CALLERS[0].appId must be a GUID'],
    [[{ ...entry, name: '' }], 'MAIL_CALLERS[0].name must be'],
    [[{ ...entry, name: 'a\nb' }], 'MAIL_CALLERS[0].name must be'],
    [[{ ...entry, from: [`${secret} x`] }], 'MAIL_CALLERS[0].from[0] must be an address or *@domain'],
    [[{ ...entry, from: [] }], 'MAIL_CALLERS[0].from must have at least one entry'],
    [[{ ...entry, recipientDomains: ['exa mple.com'] }], 'MAIL_CALLERS[0].recipientDomains[0] must be a domain'],
    [[{ ...entry, recipientDomains: ['*.*'] }], 'MAIL_CALLERS[0].recipientDomains[0] must be a domain'],
    [[{ ...entry, messagesPerMinute: 0 }], 'MAIL_CALLERS[0].messagesPerMinute must be 1 or more'],
    [[{ ...entry, messagesPerDay: 1.5 }], 'MAIL_CALLERS[0].messagesPerDay must be a whole number'],
    [[{ ...entry, operator: 'yes' }], 'MAIL_CALLERS[0].operator must be true or false'],
    [[{ ...entry, recipientDomain: ['example.com'] }], 'MAIL_CALLERS[0] has unknown fields: recipientDomain'],
    [[entry, { ...entry, name: 'b' }], 'MAIL_CALLERS[1].keySha256 stands in another entry'],
    [[], 'MAIL_CALLERS is an empty list'],
    [{}, 'MAIL_CALLERS must be a JSON array'],
    [`[${secret}`, 'MAIL_CALLERS is not valid JSON'],
  ];
  for (const [value, expected] of cases) {
    const problems = problemsOf(value);
    assert.ok(
      problems.some(problem => problem.startsWith(expected)),
      `${expected}: ${problems}`,
    );
    assert.ok(!problems.join().includes(secret));
  }
});

test('callers that could never prove themselves are a fault', () => {
  assert.match(
    String(problemsOf([{ name: 'a', keySha256: HASH }], { MAIL_CALLER_AUTH: 'entra' })),
    /no entry with appId/,
  );
  assert.match(String(problemsOf([{ name: 'a', appId: GUID }])), /no entry with keySha256/);
  assert.deepEqual(problemsOf([{ name: 'a', appId: GUID }], { MAIL_CALLER_AUTH: 'entra' }), []);
  assert.match(
    String(problemsOf([{ name: 'a', appId: GUID }], { MAIL_CALLER_AUTH: 'entre' })),
    /MAIL_CALLER_AUTH must be/,
  );
});

test('a sandbox needs storage and a mailbox, and nothing of a tenant', () => {
  const { AzureWebJobsStorage, MAIL_MAILBOX } = base;
  assert.ok(readSettings({ AzureWebJobsStorage, MAIL_MAILBOX, MAIL_MODE: 'sandbox' }).ok);
  const MAIL_SENDERS = JSON.stringify([{ mailbox: 'a@contoso.com', from: ['*@contoso.com'] }]);
  assert.ok(readSettings({ AzureWebJobsStorage, MAIL_SENDERS, MAIL_MODE: 'sandbox' }).ok);
  assert.ok(!readSettings({ AzureWebJobsStorage, MAIL_SENDERS, MAIL_MODE: 'live' }).ok);
  assert.ok(!readSettings({ AzureWebJobsStorage, MAIL_MAILBOX }).ok);
  const typo = readSettings({ AzureWebJobsStorage, MAIL_MAILBOX, MAIL_MODE: 'sandbox', MAIL_CLIENT_ID: 'x' });
  assert.ok(!typo.ok, 'what is given is checked');
});

test('patterns are compared in their IDNA form', () => {
  const result = readSettings({ ...base, MAIL_MODE: 'allow-list', MAIL_ALLOW_LIST: '["*@Bücher.example"]' });
  assert.ok(result.ok);
  assert.deepEqual(result.settings.mail.allowList, ['*@xn--bcher-kva.example']);
});
