import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reader } from '../../shared/config/setting-reader.ts';
import { usesVault, webhookList } from '../../shared/config/webhook-settings.ts';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const URL_TEXT = 'https://hooks.example.com/mail?sig=CANARY';

function read(value: unknown) {
  const settings = reader({ EVENT_WEBHOOKS: typeof value === 'string' ? value : JSON.stringify(value) });
  return { webhooks: webhookList(settings), problems: settings.problems() };
}

test('an address and a secret, or the names of the vault secrets that hold them', () => {
  const { webhooks, problems } = read([
    { url: URL_TEXT, secret: SECRET, types: ['message.failed'] },
    { urlName: 'hook-url', secretName: 'hook-secret' },
  ]);
  assert.deepEqual(problems, []);
  assert.deepEqual(webhooks, [
    {
      url: { kind: 'value', value: URL_TEXT },
      secret: { kind: 'value', value: SECRET },
      types: ['message.failed'],
      allowPrivate: false,
    },
    {
      url: { kind: 'secret', name: 'hook-url' },
      secret: { kind: 'secret', name: 'hook-secret' },
      allowPrivate: false,
    },
  ]);
  assert.ok(usesVault(webhooks));
  assert.ok(!usesVault(webhooks.slice(0, 1)));
  assert.deepEqual(read('').webhooks, []);
});

test('every fault is named by its place, and no value is repeated', () => {
  const faults: readonly (readonly [unknown, RegExp])[] = [
    ['{CANARY', /^EVENT_WEBHOOKS: is not valid JSON/],
    [{ url: URL_TEXT }, /^EVENT_WEBHOOKS: /],
    [[{ url: URL_TEXT }], /^EVENT_WEBHOOKS\[0\]: needs secret or secretName/],
    [[{ secret: SECRET }], /^EVENT_WEBHOOKS\[0\]: needs url or urlName/],
    [[{ url: URL_TEXT, urlName: 'x', secret: SECRET }], /^EVENT_WEBHOOKS\[0\]: needs url or urlName/],
    [[{ url: URL_TEXT, secret: 'CANARY' }], /^EVENT_WEBHOOKS\[0\]\.secret: must be whsec_/],
    [[{ url: 'http://x/CANARY', secret: SECRET }], /^EVENT_WEBHOOKS\[0\]\.url: must be an https URL/],
    [[{ url: 'https://CANARY:x@example.com', secret: SECRET }], /^EVENT_WEBHOOKS\[0\]\.url: must be an https URL/],
    [[{ url: 'ftp://CANARY', secret: SECRET, allowPrivate: true }], /^EVENT_WEBHOOKS\[0\]\.url/],
    [[{ urlName: 'CANARY/..', secret: SECRET }], /^EVENT_WEBHOOKS\[0\]\.urlName: must be a Key Vault name/],
    [[{ url: URL_TEXT, secret: SECRET, types: ['message.CANARY'] }], /^EVENT_WEBHOOKS\[0\]\.types\[0\]: /],
    [[{ url: URL_TEXT, secret: SECRET, method: 'CANARY' }], /^EVENT_WEBHOOKS\[0\]: has unknown fields/],
    [
      [
        { url: URL_TEXT, secret: SECRET },
        { url: URL_TEXT, secret: SECRET },
      ],
      /^EVENT_WEBHOOKS\[1\]: has the address of an earlier entry/,
    ],
  ];
  for (const [value, expected] of faults) {
    const { problems } = read(value);
    const text = problems.map(({ setting, problem }) => `${setting}: ${problem}`).join('\n');
    assert.match(text, expected, JSON.stringify(value));
    assert.doesNotMatch(text, /CANARY/, JSON.stringify(value));
  }
  assert.deepEqual(read([{ url: 'http://localhost:1', secret: SECRET, allowPrivate: true }]).problems, []);
});
