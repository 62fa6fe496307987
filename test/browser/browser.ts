import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { type Browser, chromium, type Page } from 'playwright-core';

/** Where systems put Chromium; CHROMIUM_PATH comes first. */
const PLACES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];
const SCREENSHOTS = 'out/dashboard';

export interface OpenOptions {
  readonly width?: number;
  readonly scheme?: 'light' | 'dark';
}

/** A page that remembers whatever went wrong in it. */
export interface WatchedPage {
  readonly page: Page;
  /** Script errors, refused loads and violations of the page's policy, as they were reported; answers of the API apart. */
  readonly troubles: string[];
  /** Takes a picture as test output: of the whole page, or of what is in sight. */
  shoot(name: string, fullPage?: boolean): Promise<void>;
}

export async function startBrowser(): Promise<Browser> {
  const executablePath = process.env['CHROMIUM_PATH'] ?? PLACES.find(existsSync);
  assert.ok(executablePath, 'No Chromium: install one (apt-get install chromium) or name it in CHROMIUM_PATH.');
  // Without its sandbox: in a container it may not have one, and it opens our own page only.
  return chromium.launch({ executablePath, args: ['--no-sandbox'] });
}

/** Opens a page in a profile of its own. */
export async function openPage(browser: Browser, url: string, options: OpenOptions = {}): Promise<WatchedPage> {
  const { width = 1280, scheme = 'light' } = options;
  const context = await browser.newContext({ viewport: { width, height: 800 }, colorScheme: scheme });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const troubles: string[] = [];
  page.on('pageerror', error => troubles.push(`error: ${error.message}`));
  page.on('console', message => {
    // A status of the API that is no 200 is reported, too; the page deals with it.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) {
      troubles.push(`console: ${message.text()}`);
    }
  });
  page.on('request', request => {
    const from = new URL(request.url());
    if (from.protocol !== 'data:' && from.origin !== new URL(url).origin) troubles.push(`request: ${request.url()}`);
  });
  await page.addInitScript(() => {
    addEventListener('securitypolicyviolation', event => console.error(`policy: ${event.violatedDirective}`));
  });
  await page.goto(url);
  return {
    page,
    troubles,
    async shoot(name, fullPage = true) {
      await mkdir(SCREENSHOTS, { recursive: true });
      // The head of the page sticks to where it is scrolled to.
      if (fullPage) await page.evaluate(() => scrollTo(0, 0));
      await page.screenshot({ path: `${SCREENSHOTS}/${name}.png`, fullPage });
    },
  };
}

/** Opens every disclosure in sight, and those that come to light with it. */
export async function openAll(page: Page): Promise<void> {
  const closed = page.locator('details:not([open]) > summary:visible');
  while ((await closed.count()) > 0) await closed.first().click();
}
