import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isWebhookSecret, signWebhook } from '../../shared/domain/webhook-signature.ts';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

test('the signature is the one of the Standard Webhooks libraries', () => {
  // github.com/standard-webhooks/standard-webhooks, libraries/javascript/src/webhook.test.ts
  const headers = signWebhook(SECRET, 'msg_p5jXN8AQM9LWM0D4loKWxJek', 1_614_265_330_999, '{"test": 2432232314}');
  assert.deepEqual(headers, {
    'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  });
});

test('while a secret is replaced both sign', () => {
  const other = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
  const one = signWebhook(other, 'x', 0, 'body')?.['webhook-signature'];
  const both = signWebhook(`${other} ${SECRET}\n`, 'x', 0, 'body')?.['webhook-signature'] ?? '';
  assert.equal(both.split(' ').length, 2);
  assert.equal(both.split(' ')[0], one);
});

test('what is no secret signs nothing', () => {
  for (const text of ['', 'whsec_', 'whsec_c2hvcnQ=', SECRET.slice(6), `${SECRET}\u00e9`, `whsec_${'A'.repeat(100)}`]) {
    assert.equal(isWebhookSecret(text), false, text);
    assert.equal(signWebhook(text, 'x', 0, ''), undefined, text);
  }
});
