import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { request } from 'node:http';
import { test } from 'node:test';
import { Script } from 'node:vm';
import { inboxForTest } from './inbox-harness.ts';
import { addMail, plainMail } from './mails.ts';

test('the page is one document that may run its own script only', async t => {
  const { get } = await inboxForTest(t);
  const response = await get('/');
  const csp = response.headers.get('content-security-policy') ?? '';
  const html = await response.text();
  const script = /<script>([\s\S]*)<\/script>/.exec(html)?.[1] ?? '';
  const style = /<style>([\s\S]*)<\/style>/.exec(html)?.[1] ?? '';
  const hash = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
  assert.ok(script.length > 1000 && csp.includes(`script-src ${hash(script)};`));
  assert.ok(style.length > 1000 && csp.includes(`style-src ${hash(style)};`));
  assert.match(csp, /default-src 'none'/);
  assert.match(csp, /frame-ancestors 'none'/);
  assert.doesNotMatch(csp, /unsafe|\*|https?:/);
  assert.doesNotMatch(html, /(?:src|href)="(?:https?:)?\/\/|url\(/, 'nothing from elsewhere');
  // The modules were joined into one scope: it compiles only when no two of them declare the same name.
  assert.doesNotMatch(script, /^(import|export) /m);
  assert.doesNotThrow(() => new Script(script));
  assert.doesNotMatch(script, /innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(/);
});

test('details say who signed in, over which TLS, in which conversation', async t => {
  const { store, details } = await inboxForTest(t);
  const { signIn, transcript, envelope } = await details(addMail(store, plainMail('x')).id);
  assert.deepEqual(signIn, {
    mailbox: 'billing@contoso.com',
    appId: '7d0a1f0e-2f4c-4c0f-9b5e-5a1c6f2d3e01',
    tls: { version: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384' },
    connectionId: 'c-1',
  });
  assert.ok(transcript.includes('C: AUTH XOAUTH2 [credentials]'));
  assert.deepEqual(envelope.to, ['ada@example.com']);
});

test('a name that someone else lets point to this machine gets nothing', async t => {
  const { url, store } = await inboxForTest(t);
  addMail(store, plainMail('private'));
  const status = (host: string): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      request(`${url}/api/mails`, { headers: { host } }, response => {
        response.resume();
        resolve(response.statusCode);
      })
        .on('error', reject)
        .end();
    });
  assert.equal(await status('rebound.example:7072'), 421);
  assert.equal(await status('localhost:7072'), 200);
});
