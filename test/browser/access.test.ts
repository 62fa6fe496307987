import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { openAll, openPage, startBrowser } from './browser.ts';
import { messages } from './message-fixture.ts';
import { type PageServer, startPageServer } from './page-server.ts';
import { emptyStatus, failingStatus, healthyStatus } from './status-fixture.ts';

let browser: Browser;
let server: PageServer;
before(async () => {
  [browser, server] = await Promise.all([startBrowser(), startPageServer(failingStatus())]);
});
after(async () => {
  await browser?.close();
  await server?.close();
});

/** Everything that can be opened is open: the page at its fullest. */
async function openFully(page: Page): Promise<void> {
  await page.locator('article.mailbox').first().waitFor();
  await page.locator('#message-list tbody tr').nth(9).waitFor();
  await page.locator('button.link').nth(3).click();
  await page.locator('.details').waitFor();
  await openAll(page);
  await page.getByRole('button', { name: /^Probe billing/ }).click();
  await page.locator('.toast').getByText('good, in').waitFor();
}

/** Texts whose colour stands out too little from what is behind them (WCAG 2.2, 1.4.3: 4.5, large text 3). */
async function faintTexts(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const channels = (color: string) => (color.match(/[\d.]+/g) ?? []).map(Number);
    const luminance = (rgb: number[]) => {
      const [r = 0, g = 0, b = 0] = rgb.map(value => {
        const share = value / 255;
        return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const ground = (element: Element): number[] => {
      for (let one: Element | null = element; one; one = one.parentElement) {
        const found = channels(getComputedStyle(one).backgroundColor);
        if (found.length === 3 || (found[3] ?? 0) === 1) return found.slice(0, 3);
      }
      return [255, 255, 255];
    };
    const faint: string[] = [];
    for (const element of document.querySelectorAll<HTMLElement>('body *')) {
      const text = [...element.childNodes].filter(node => node.nodeType === 3 && node.textContent?.trim());
      const isField = element.matches('input, select');
      if ((text.length === 0 && !isField) || element.closest('svg, option, .visually-hidden, script, style, noscript'))
        continue;
      if (!element.checkVisibility({ visibilityProperty: true })) continue;
      const style = getComputedStyle(element);
      const [a, b] = [luminance(channels(style.color).slice(0, 3)), luminance(ground(element))];
      const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
      const size = Number.parseFloat(style.fontSize);
      const isLarge = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
      if (ratio < (isLarge ? 3 : 4.5))
        faint.push(`${ratio.toFixed(2)} ${element.className}: ${element.textContent?.slice(0, 40)}`);
    }
    return faint;
  });
}

for (const scheme of ['light', 'dark'] as const) {
  test(`${scheme}: every text stands out from its ground, at its fullest and while signing in`, async () => {
    Object.assign(server.world, { status: failingStatus(), messages: messages(), key: undefined });
    const watched = await openPage(browser, server.url, { scheme });
    await openFully(watched.page);
    assert.deepEqual(await faintTexts(watched.page), []);
    await watched.shoot(`full-${scheme}`);
    await watched.page
      .getByRole('button', { name: /^Cancel message/ })
      .first()
      .click();
    await watched.page.getByRole('dialog').waitFor();
    assert.deepEqual(await faintTexts(watched.page), []);
    await watched.page.context().close();
    server.world.key = 'right';
    const signIn = await openPage(browser, server.url, { scheme });
    await signIn.page.getByLabel('Function key').fill('wrong');
    await signIn.page.keyboard.press('Enter');
    await signIn.page.getByText('This key was not accepted.').waitFor();
    assert.deepEqual(await faintTexts(signIn.page), []);
    await signIn.page.context().close();
  });
}

for (const [name, status] of [
  ['failing', failingStatus],
  ['healthy', healthyStatus],
  ['empty', emptyStatus],
] as const) {
  for (const width of [360, 768]) {
    test(`${name}: nothing sticks out at ${width} px, and what is pressed is large enough`, async () => {
      Object.assign(server.world, { status: status(), messages: messages(), key: undefined });
      const watched = await openPage(browser, server.url, { width, scheme: width === 360 ? 'dark' : 'light' });
      const { page } = watched;
      await openFully(page);
      const found = await page.evaluate(() => {
        const isHidden = (one: Element) => one.closest('.visually-hidden, .skip, caption, thead') !== null;
        const out = [...document.querySelectorAll('body *')].filter(
          one => !isHidden(one) && one.checkVisibility() && one.getBoundingClientRect().right > innerWidth + 0.5,
        );
        // WCAG 2.2, 2.5.8: 24 by 24 px.
        const small = [...document.querySelectorAll('button, select, input, summary')].filter(one => {
          const { width: x, height: y } = one.getBoundingClientRect();
          return one.checkVisibility() && !one.matches('[type="checkbox"]') && (x < 24 || y < 23.5);
        });
        const text = (one: Element) => `${one.tagName}.${one.getAttribute('class')} ${one.textContent?.slice(0, 30)}`;
        return {
          scroll: document.documentElement.scrollWidth - innerWidth,
          out: out.map(text),
          small: small.map(text),
        };
      });
      assert.deepEqual(found, { scroll: 0, out: [], small: [] });
      await watched.shoot(`${name}-${width}`);
      await page.context().close();
    });
  }
}

test('a screen reader finds landmarks, one first heading, levels in order, and a name for all that can be used', async () => {
  Object.assign(server.world, { status: failingStatus(), messages: messages(), key: undefined });
  const { page } = await openPage(browser, server.url);
  await openFully(page);
  for (const role of ['banner', 'main', 'search'] as const) assert.equal(await page.getByRole(role).count(), 1, role);
  assert.equal(await page.getByRole('heading', { level: 1 }).count(), 1);
  for (const name of ['Incidents', 'Mailboxes', 'Recent failures', 'Messages', 'Queues'])
    assert.equal(await page.getByRole('region', { name, exact: true }).count(), 1, name);
  const levels = await page.getByRole('heading').evaluateAll(all => all.map(one => Number(one.tagName[1])));
  levels.reduce((before, level) => {
    assert.ok(level <= before + 1, `h${level} after h${before}`);
    return level;
  }, 0);
  const snapshot = await page.locator('body').ariaSnapshot();
  const nameless = snapshot
    .split('\n')
    .filter(line => /^\s*- (button|link|textbox|searchbox|combobox|img|checkbox|article|table)(?=:|$| \[)/.test(line));
  assert.deepEqual(nameless, []);
  const fields = await page
    .locator('input, select')
    .evaluateAll(all => all.filter(one => (one as HTMLInputElement).labels?.length !== 1).map(one => one.outerHTML));
  assert.deepEqual(fields, []);
  const ids = await page.locator('[id]').evaluateAll(all => all.map(one => one.id));
  assert.equal(new Set(ids).size, ids.length);
  assert.equal(await page.locator('#live').getAttribute('aria-live'), 'polite');
  assert.equal(await page.locator('html').getAttribute('lang'), 'en');
  await page.context().close();
});

test('a state is told by word and shape, not by colour alone', async () => {
  Object.assign(server.world, { status: failingStatus(), messages: messages(), key: undefined });
  const { page } = await openPage(browser, server.url);
  await page.locator('article.mailbox').first().waitFor();
  for (const badge of await page.locator('.badge').all()) assert.match((await badge.textContent()) ?? '', /\w/);
  const shapes = await page
    .locator('.badge .icon')
    .evaluateAll(all =>
      all.map(one => [one.getAttribute('class'), one.querySelector('path')?.getAttribute('d')].join(' ')),
    );
  const byTone = new Map(shapes.map(text => text.split(' M') as [string, string]));
  assert.ok(byTone.size >= 3);
  assert.notEqual(byTone.get('icon good'), byTone.get('icon bad'));
  const heights = await page.locator('.uptime rect').evaluateAll(all => {
    const of = (name: string) =>
      all.filter(one => one.classList.contains(name)).map(one => Number(one.getAttribute('height')));
    return { good: Math.max(...of('all-good')), bad: Math.min(...of('all-failed'), ...of('some-failed')) };
  });
  assert.ok(heights.bad > heights.good);
  await page.context().close();
});

test('by keyboard alone: sign in, skip, acknowledge, read a message, cancel one, change one’s mind', async () => {
  Object.assign(server.world, { status: failingStatus(), messages: messages(), key: 'right' });
  server.world.calls.length = 0;
  const { page, troubles } = await openPage(browser, server.url);
  await page.getByLabel('Function key').waitFor();
  const focused = () =>
    page.evaluate(
      () => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent ?? '',
    );
  /** Tabs on until the focus is where it is wanted; every stop on the way must be seen. */
  const tabTo = async (wanted: RegExp) => {
    for (let stops = 0; stops < 120; stops++) {
      await page.keyboard.press('Tab');
      const style = await page.evaluate(() => {
        const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement ?? document.body);
        return document.activeElement === document.body ? 'body' : `${outlineStyle} ${outlineWidth}`;
      });
      assert.doesNotMatch(style, /^none|^\S+ 0px/, await focused());
      if (wanted.test(await focused())) return;
    }
    assert.fail(`${wanted} was not reached`);
  };
  await page.keyboard.type('right');
  await page.keyboard.press('Enter');
  await page.locator('article.mailbox').first().waitFor();
  assert.equal(await page.evaluate(() => document.activeElement?.id), 'main');
  await tabTo(/^Acknowledge the incident/);
  await page.keyboard.press('Enter');
  await page.getByText('Acknowledged', { exact: true }).waitFor();
  await tabTo(/^Message 01KAK7T0000000000000000000, queued/);
  await page.keyboard.press('Enter');
  await page.locator('.details').waitFor();
  assert.match(await focused(), /^Message 01KAK7T0000000000000000000/);
  await tabTo(/^Cancel message/);
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog');
  await dialog.waitFor();
  assert.equal(await focused(), 'Leave it');
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  assert.match(await focused(), /^Cancel message/);
  await page.keyboard.press('Enter');
  await dialog.waitFor();
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.locator('.toast').getByText('is cancelled').waitFor();
  assert.ok(server.world.calls.some(({ call }) => call.startsWith('DELETE ')));
  assert.deepEqual(troubles, []);
  await page.context().close();
});

test('a refresh leaves the reader where they are: focus, what is open, and where the page is scrolled to', async () => {
  Object.assign(server.world, { status: failingStatus(), messages: messages(), key: undefined });
  const { page } = await openPage(browser, server.url);
  await page.locator('article.mailbox').first().waitFor();
  const summary = page.locator('article.mailbox').nth(1).getByText('Latest failed probes');
  await summary.click();
  await summary.focus();
  const before = await page.evaluate(() => scrollY);
  // The reading that comes by itself, as when the tab is looked at again.
  const drawn = page.locator('article.mailbox').nth(1);
  await drawn.evaluate(one => one.setAttribute('data-old', ''));
  server.world.status = failingStatus(Date.now() + 60_000);
  await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
  await page.waitForFunction(() => !document.querySelector('[data-old]'));
  assert.equal(await page.evaluate(() => document.activeElement?.textContent), await summary.textContent());
  assert.equal(
    await page.locator('article.mailbox').nth(1).locator('details[data-key^="failures"]').getAttribute('open'),
    '',
  );
  assert.ok(Math.abs((await page.evaluate(() => scrollY)) - before) < 40);
  await page.context().close();
});
