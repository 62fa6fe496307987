import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { CLIENT_ID, TENANT_ID } from '../../local/m365/default-world.ts';
import { type App, startApp } from '../support/app.ts';
import { mailRequest } from '../support/requests.ts';
import { openPage, startBrowser } from './browser.ts';

/** May be written as from any address of the domain: Exchange refuses those that are nobody's. */
const SENDER = {
  mailbox: 'billing@contoso.com',
  from: ['*@contoso.com'],
  tenantId: TENANT_ID,
  clientId: CLIENT_ID,
  credential: { kind: 'certificate', name: 'exosend-smtp' },
};

let browser: Browser;
let app: App;
before(async () => {
  [browser, app] = await Promise.all([
    startBrowser(),
    startApp({ keys: true, env: { MAIL_SENDERS: JSON.stringify([SENDER]) } }),
  ]);
});
after(async () => {
  await browser?.close();
  await app?.close();
});

test('on the real app: sign in with a host key, see a mail go out, cancel one, retry one', async () => {
  const key = app.host().keys?.host ?? '';
  const headers = { 'x-functions-key': key };
  const send = async (changes: Readonly<Record<string, unknown>> = {}) =>
    (await app.send(mailRequest(changes), headers)).body.id as string;
  const until = async (id: string, state: string) => {
    const end = Date.now() + 30_000;
    for (;;) {
      const { body } = await app.call('GET', `/api/messages/${id}`, undefined, headers);
      if (body.status === state) return;
      assert.ok(Date.now() < end, `${id} is ${body.status}`);
      await new Promise(resolve => setTimeout(resolve, 100));
    }
  };
  const sent = await send();
  const refused = await send({ from: 'nobody@contoso.com' });
  const later = await send({ sendAt: new Date(Date.now() + 3_600_000).toISOString() });
  await until(sent, 'sent');
  const { page, troubles, shoot } = await openPage(browser, `${app.url}/api/dashboard`);
  await page.getByLabel('Function key').fill(key);
  await page.getByRole('button', { name: 'Open' }).click();
  await page.getByRole('article', { name: /^Mailbox billing@contoso\.com: (Healthy|Failing|Degraded)$/ }).waitFor();
  await page.getByRole('button', { name: `Message ${sent}, sent: details` }).click();
  await page.locator('.details').getByText('ada@example.com').waitFor();
  await page.getByRole('button', { name: `Cancel message ${later}` }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel the message' }).click();
  await page.locator('.toast').getByText(`Message ${later} is cancelled.`).waitFor();
  await until(later, 'cancelled');
  await until(refused, 'failed');
  await page.getByRole('button', { name: 'Refresh' }).click();
  await page.getByRole('button', { name: `Retry message ${refused}` }).click();
  await page.locator('.toast').getByText(`Message ${refused} is queued again.`).waitFor();
  await page.getByRole('button', { name: 'Probe billing@contoso.com now' }).click();
  await page
    .locator('.toast')
    .getByText(/good, in|failed at|did not run/)
    .waitFor();
  await shoot('app');
  assert.deepEqual(troubles, []);
  assert.ok(!app.hostLines.list().some(line => line.includes(key)), 'the key stands in the log');
});
