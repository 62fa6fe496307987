import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser } from 'playwright-core';
import type { ProbeRun } from '../../shared/domain/probe-run.ts';
import type { StatusReport } from '../../shared/domain/status-report.ts';
import { openAll, openPage, startBrowser } from './browser.ts';
import { messages } from './message-fixture.ts';
import { type PageServer, startPageServer } from './page-server.ts';
import { failingStatus } from './status-fixture.ts';

const MARKUP = '<img src=x onerror="document.title=\'owned\'"><script>document.title="owned"</script>';
const LONG = 'x'.repeat(10_000);
/** Right-to-left override, zero-width, a lone surrogate, and what looks like a template. */
const ODD = '\u202e\u200b\ud800 {{constructor}} &lt;b&gt;';

/** Every string that a server or a caller has a say in, made as bad as it gets; codes and states apart. */
function poisoned<T>(value: T, text: string): T {
  const keep = new Set(['state', 'status', 'mode', 'kind', 'phase', 'at', 'since', 'from', 'source', 'id', 'reason']);
  const walk = (one: unknown, name: string): unknown => {
    if (Array.isArray(one)) return one.map(item => walk(item, name));
    if (typeof one === 'object' && one !== null)
      return Object.fromEntries(Object.entries(one).map(([key, inner]) => [key, walk(inner, key)]));
    const isTime = typeof one === 'string' && /^\d{4}-\d\d-\d\dT/.test(one);
    return typeof one === 'string' && !keep.has(name) && !isTime ? `${text}${one}` : one;
  };
  return walk(value, '') as T;
}

let browser: Browser;
let server: PageServer;
before(async () => {
  [browser, server] = await Promise.all([startBrowser(), startPageServer(failingStatus())]);
});
after(async () => {
  await browser?.close();
  await server?.close();
});

for (const [name, text] of [
  ['markup', MARKUP],
  ['10 kB without a space', LONG],
  ['odd characters', ODD],
] as const) {
  for (const width of [1280, 360]) {
    test(`${name} in every text stays text, at ${width} px`, async () => {
      server.world.status = poisoned<StatusReport>(failingStatus(), text);
      server.world.messages = poisoned(messages(), text);
      const watched = await openPage(browser, server.url, { width });
      const { page } = watched;
      await page.locator('article.mailbox').first().waitFor();
      await page.locator('#message-list tbody tr').nth(9).waitFor();
      await page.locator('button.link').nth(2).click();
      await page.locator('.details').waitFor();
      await openAll(page);
      assert.equal(await page.locator('main img, main script, main b, main iframe').count(), 0);
      assert.notEqual(await page.title(), 'owned');
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(overflow <= 0, `${overflow} px too wide`);
      if (name === 'markup') assert.ok((await page.locator('main').textContent())?.includes('<img src=x onerror='));
      await watched.shoot(`hostile-${name.split(' ')[0]}-${width}`, false);
      assert.deepEqual(watched.troubles, []);
      await page.context().close();
    });
  }
}

test('a problem text, a probe and a transcript are text too', async () => {
  server.world.status = failingStatus();
  server.world.messages = messages();
  const run: Partial<ProbeRun> = { mailbox: MARKUP, at: new Date().toISOString(), ok: true, ms: 1, phases: [] };
  const detail = `${MARKUP}${LONG}`;
  server.world.faults.set('POST /api/probe', { status: 500, body: { detail, code: MARKUP } });
  server.world.faults.set('GET /api/probes', { status: 200, body: { runs: [{ ...run, transcript: [MARKUP] }] } });
  const watched = await openPage(browser, server.url, { width: 360 });
  const { page } = watched;
  await page.getByRole('button', { name: /^Probe billing/ }).click();
  await page.locator('.toast').getByText('<img src=x onerror=').waitFor();
  await page.locator('article.mailbox').first().getByText('Latest failed probes').click();
  await page.getByRole('button', { name: 'SMTP transcript' }).first().click();
  await page.getByRole('group', { name: 'SMTP transcript' }).waitFor();
  assert.equal(await page.locator('main img, .toast img').count(), 0);
  assert.ok((await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)) <= 0);
  assert.deepEqual(watched.troubles, []);
  await page.context().close();
});

test('answers that are no JSON, or of another shape, do not leave a blank page', async () => {
  for (const body of [undefined, [], 'text', { mailboxes: [] }]) {
    server.world.faults.set('GET /api/status', { status: 200, body });
    const { page } = await openPage(browser, server.url);
    await page.getByRole('alert').waitFor();
    await page.context().close();
  }
});

test('the policy refuses what a hole in the page would let in', async () => {
  server.world.faults.clear();
  const { page, troubles } = await openPage(browser, server.url);
  await page.locator('article.mailbox').first().waitFor();
  const reported = page.waitForEvent('console', message => message.text() === 'policy: connect-src');
  const outcome = await page.evaluate(async () => {
    const tried: string[] = [];
    try {
      document.body.innerHTML = '<img src=x>';
    } catch {
      tried.push('markup');
    }
    const script = document.createElement('style');
    script.textContent = 'main { display: none }';
    document.head.append(script);
    if (getComputedStyle(document.querySelector('main') as Element).display !== 'none') tried.push('style');
    await fetch('https://example.com/').catch(() => tried.push('elsewhere'));
    return tried;
  });
  assert.deepEqual(outcome, ['markup', 'style', 'elsewhere']);
  // What the other tests rely on: a violation does not go unseen.
  await reported;
  assert.ok(troubles.some(text => text.includes('policy: ')));
  await page.context().close();
});
