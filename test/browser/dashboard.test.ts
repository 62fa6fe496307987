import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { openPage, startBrowser, type WatchedPage } from './browser.ts';
import { messages } from './message-fixture.ts';
import { type PageServer, startPageServer } from './page-server.ts';
import { emptyStatus, failingStatus, healthyStatus } from './status-fixture.ts';

let browser: Browser;
let server: PageServer;
let watched: WatchedPage | undefined;

before(async () => {
  [browser, server] = await Promise.all([startBrowser(), startPageServer(healthyStatus())]);
});
after(async () => {
  await browser?.close();
  await server?.close();
});
beforeEach(() => {
  Object.assign(server.world, { status: healthyStatus(), messages: messages(), key: undefined });
  server.world.faults.clear();
  server.world.calls.length = 0;
});
afterEach(async () => {
  const page = watched;
  watched = undefined;
  await page?.page.context().close();
  assert.deepEqual(page?.troubles ?? [], []);
});

async function open(options?: Parameters<typeof openPage>[2]): Promise<Page> {
  watched = await openPage(browser, server.url, options);
  return watched.page;
}

const called = (call: string) => server.world.calls.filter(one => one.call === call).length;
const toast = (page: Page) => page.getByRole('status').filter({ has: page.locator('p') });
const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name });

test('healthy mailboxes: the verdict, uptime, credential, quota and phases can be read', async () => {
  const page = await open();
  await page.getByRole('heading', { name: 'All mailboxes are healthy' }).waitFor();
  const card = page.getByRole('article', { name: 'Mailbox billing@contoso.com: Healthy' });
  await card.getByRole('img', { name: /^Last 24 hours: 100 % good, 28\d runs$/ }).waitFor();
  await card.getByRole('img', { name: /^Last 7 days: 99\.\d % good, [12],\d{3} runs, 10 failed$/ }).waitFor();
  const text = (await card.textContent()) ?? '';
  for (const part of ['87 days left', 'exosend-smtp', '12 of 30', '1,204 of 10,000', 'closed'])
    assert.ok(text.includes(part), part);
  const phases = card.getByRole('table', { name: /^Phases of the last probe of billing@contoso\.com/ });
  assert.equal(await phases.getByRole('row').count(), 13);
  await phases.getByRole('rowheader', { name: /^Sign-in\s+good$/ }).waitFor();
  await page.getByText('No incident is open.').waitFor();
  assert.equal(await page.title(), 'Exosend');
  await watched?.shoot('healthy-light');
});

test('a failing mailbox comes first, with its incident, cause, remedy and breaker', async () => {
  server.world.status = failingStatus();
  const page = await open({ scheme: 'dark' });
  await page.getByRole('heading', { name: '1 of 2 mailboxes is failing' }).waitFor();
  const incident = page.getByRole('article', { name: 'Incident: smtp_auth_unsuccessful' });
  await incident.getByText('Get-ServicePrincipal | Format-List').waitFor();
  assert.equal(await incident.getByRole('listitem').count(), 4);
  const cards = page.locator('article.mailbox');
  assert.match((await cards.first().getAttribute('aria-label')) ?? '', /billing@contoso\.com: Failing/);
  await cards.first().getByText('next trial in').waitFor();
  await page.getByRole('article', { name: 'Failure: smtp_recipient_unknown' }).waitFor();
  assert.equal(await page.title(), '(1) Exosend');
  await watched?.shoot('failing-dark');
});

test('a fresh deployment: nothing is claimed that is not known', async () => {
  Object.assign(server.world, { status: emptyStatus(), messages: [] });
  const page = await open();
  await page.getByRole('heading', { name: 'Nothing has been probed or sent yet' }).waitFor();
  for (const text of ['No probe has run yet.', 'not read yet', 'No message yet.', 'No failure in the last days.'])
    await page.getByText(text).waitFor();
  await watched?.shoot('empty-light');
});

test('the key is asked for, sent as a header, kept out of addresses and storage, and gone with the page', async () => {
  server.world.key = 'right-key';
  const page = await open();
  await page.getByLabel('Function key').waitFor();
  await watched?.shoot('sign-in');
  await page.getByLabel('Function key').fill('wrong-key');
  await button(page, 'Open').click();
  await page.getByText('This key was not accepted.').waitFor();
  await page.getByLabel('Function key').fill('right-key');
  await button(page, 'Open').click();
  await page.getByRole('heading', { name: 'All mailboxes are healthy' }).waitFor();
  assert.ok(server.world.calls.some(({ key }) => key === 'right-key'));
  assert.ok(!server.world.calls.some(({ call }) => call.includes('key')));
  assert.ok(!page.url().includes('key'));
  const stored = () =>
    page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]));
  assert.equal(await stored(), '[{},{},""]');
  await page.reload();
  await page.getByLabel('Function key').fill('right-key');
  await page.getByLabel('Keep it until this tab is closed').check();
  await button(page, 'Open').click();
  await page.locator('article.mailbox').first().waitFor();
  await page.reload();
  await page.locator('article.mailbox').first().waitFor();
  await button(page, 'Forget key').click();
  await page.getByLabel('Function key').waitFor();
  assert.equal(await stored(), '[{},{},""]');
});

test('a key that is no operator’s, and one that stops working, are told apart', async () => {
  const detail = 'This is for operators: "operator": true in MAIL_CALLERS.';
  server.world.faults.set('GET /api/status', { status: 403, body: { detail, code: 'caller_not_allowed' } });
  const page = await open();
  await page.getByText('This is for operators').waitFor();
  server.world.faults.clear();
  server.world.key = 'right-key';
  await page.getByLabel('Function key').fill('right-key');
  await button(page, 'Open').click();
  await page.locator('article.mailbox').first().waitFor();
  server.world.key = 'another-key';
  await button(page, 'Refresh').click();
  await page.getByText('This key was not accepted.').waitFor();
  assert.equal(await page.locator('#board').isVisible(), false);
});

test('with Entra ID the shell explains the sign-in and asks for no key', async () => {
  const entra = await startPageServer(healthyStatus(), 'entra');
  entra.world.faults.set('GET /api/status', { status: 401, body: { detail: 'A token is needed.' } });
  watched = await openPage(browser, entra.url);
  const link = watched.page.getByRole('link', { name: 'Sign in' });
  await link.waitFor();
  assert.equal(await link.getAttribute('href'), '/.auth/login/aad?post_login_redirect_uri=%2Fapi%2Fdashboard');
  assert.equal(await watched.page.getByLabel('Function key').count(), 0);
  await entra.close();
});

test('acknowledge, probe, transcript: each calls its route and says what came of it', async () => {
  server.world.status = failingStatus();
  const page = await open();
  await button(page, 'Acknowledge the incident smtp_auth_unsuccessful').click();
  await toast(page).getByText('no reminders until it closes').waitFor();
  assert.equal(called('POST /api/incidents/inc-01KAK7T/ack'), 1);
  await page.getByText('Acknowledged', { exact: true }).waitFor();
  await button(page, 'Probe billing@contoso.com now').click();
  await toast(page).getByText('billing@contoso.com: good, in').waitFor();
  assert.equal(called('POST /api/probe?mailbox=billing%40contoso.com'), 1);
  await page.locator('article.mailbox').first().getByText('Latest failed probes (5)').click();
  await button(page, 'SMTP transcript').first().click();
  await page.getByRole('group', { name: 'SMTP transcript' }).getByText('535 5.7.3').waitFor();
  assert.ok(
    server.world.calls.some(({ call }) => /^GET \/api\/probes\?mailbox=billing%40contoso\.com&from=/.test(call)),
  );
});

test('cancel asks first; retry asks only where a mail could come twice', async () => {
  const page = await open();
  const [queued = '', failed = '', unknown = ''] = [0, 2, 3].map(index => server.world.messages[index]?.id ?? '');
  await button(page, `Cancel message ${queued}`).click();
  const dialog = page.getByRole('dialog', { name: 'Cancel this message?' });
  await dialog.getByRole('button', { name: 'Leave it' }).click();
  assert.equal(called(`DELETE /api/messages/${queued}`), 0);
  await button(page, `Cancel message ${queued}`).click();
  await dialog.getByRole('button', { name: 'Cancel the message' }).click();
  await toast(page).getByText(`Message ${queued} is cancelled.`).waitFor();
  assert.equal(called(`DELETE /api/messages/${queued}`), 1);
  await button(page, `Retry message ${failed}`).click();
  await toast(page).getByText(`Message ${failed} is queued again.`).waitFor();
  await button(page, `Retry message ${unknown}`).click();
  await page.getByRole('dialog', { name: 'Send it again?' }).getByRole('button', { name: 'Send again' }).click();
  await toast(page).getByText(`Message ${unknown} is queued again.`).waitFor();
  assert.equal(called(`POST /api/messages/${failed}/retry`), 1);
  assert.equal(called(`POST /api/messages/${unknown}/retry`), 1);
});

test('what the app refuses is told with its reason', async () => {
  const page = await open();
  const id = server.world.messages[2]?.id ?? '';
  const body = { code: 'content_gone', detail: 'The content of this message is deleted.' };
  server.world.faults.set(`POST /api/messages/${id}/retry`, { status: 410, body });
  server.world.faults.set('POST /api/probe', { status: 404 });
  await button(page, `Retry message ${id}`).click();
  await toast(page).getByText('The content of this message is deleted. (content_gone)').waitFor();
  await button(page, 'Probe noreply@contoso.com now').click();
  await toast(page).getByText('The probe did not run.').waitFor();
});

test('messages are found by id, by an address that holds it, by state and by mailbox', async () => {
  const page = await open();
  const rows = page.locator('#message-list tbody tr:not(.details-row)');
  await rows.nth(9).waitFor();
  const id = server.world.messages[2]?.id ?? '';
  await page.getByLabel('Message id').fill(` https://exosend.example.com/api/messages/${id.toLowerCase()} `);
  await page.keyboard.press('Enter');
  await page.getByText('RESOLVER.ADR.RecipientNotFound').first().waitFor();
  assert.equal(await rows.count(), 1);
  await page.getByLabel('Message id').fill('01KAK7T00000000000000000ZZ');
  await button(page, 'Search').click();
  await page.locator('#message-list').getByText('There is no message 01KAK7T00000000000000000ZZ.').waitFor();
  await page.getByLabel('Message id').fill('nonsense');
  await button(page, 'Search').click();
  await page.locator('#message-list').getByText('That is no message id').waitFor();
  await page.getByLabel('Message id').fill('');
  await page.getByLabel('State').selectOption('sent');
  await page.getByLabel('Mailbox', { exact: true }).selectOption('noreply@contoso.com');
  await page.waitForFunction(() => document.querySelectorAll('#message-list tbody tr').length === 3);
  assert.ok(called('GET /api/messages?status=sent&mailbox=noreply%40contoso.com&limit=20') >= 1);
});

test('an app that is away leaves what was read in sight, and says that it may be old', async () => {
  const page = await open();
  await page.locator('article.mailbox').first().waitFor();
  server.world.faults.set('GET /api/status', {
    status: 503,
    body: { detail: 'Settings are bad.', code: 'settings_invalid' },
  });
  await button(page, 'Refresh').click();
  await page.getByRole('alert').getByText('Settings are bad. (settings_invalid)').waitFor();
  assert.equal(await page.locator('article.mailbox').count(), 2);
  server.world.faults.clear();
  await button(page, 'Refresh').click();
  await page.getByRole('alert').waitFor({ state: 'detached' });
});

test('a source that is missing is named, and the rest stands', async () => {
  const detail = 'table storage: list mailboxes failed with 503';
  server.world.status = {
    ...healthyStatus(),
    open: null,
    missing: [{ source: 'messages', code: 'storage_unavailable', detail }],
  };
  const page = await open();
  await page.getByText('Open messages could not be read.').waitFor();
  await page.getByRole('heading', { name: 'Not everything could be read' }).waitFor();
  assert.equal(await page.locator('article.mailbox').count(), 2);
});

test('it reads again by itself, not while paused, and less often while the app is away', async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.clock.install();
  await page.goto(server.url);
  await page.locator('article.mailbox').first().waitFor();
  const reads = () => called('GET /api/status');
  const plan = (text: string) => page.locator('#age').getByText(text).waitFor();
  /** Lets time pass; what the page asks on account of it has arrived once a call of ours has. */
  const pass = async (seconds: number, expected: number) => {
    await page.clock.runFor(seconds * 1000);
    await page.evaluate(() => fetch('/api/none'));
    assert.equal(reads(), expected);
  };
  await plan('next in 20 s');
  await pass(21, 2);
  await plan('next in 20 s');
  await button(page, 'Pause').click();
  await plan('paused');
  await pass(90, 2);
  server.world.faults.set('GET /api/status', { status: 503 });
  await button(page, 'Pause').click();
  await plan('next in 40 s');
  await pass(30, 3);
  await pass(11, 4);
  await plan('next in 1 min');
  await context.close();
});
