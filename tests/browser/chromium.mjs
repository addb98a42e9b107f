// The browser: Debian's chromium without anything that talks to anybody but us.
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const here = dirname(fileURLToPath(import.meta.url));
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Where the pictures end. */
export const out = join(here, 'out');
mkdirSync(out, { recursive: true });

/** The ways in which every page is looked at. */
export const LOOKS = {
  light: { colorScheme: 'light', viewport: { width: 1024, height: 768 } },
  dark: { colorScheme: 'dark', viewport: { width: 1024, height: 768 } },
  narrow: { colorScheme: 'light', viewport: { width: 320, height: 640 } },
};

/** Opens the browser; `more` are further words on its command line. */
export function launch(more = []) {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-first-run',
      ...more,
    ],
  });
}

/** What axe-core objects to on this page, as lines of text. Works whatever the page's policy on scripts. */
export async function objections(page) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  return violations.flatMap(({ id, help, nodes }) => nodes.map(({ target, failureSummary }) => `${id}: ${help}: ${target.join(' ')}\n${failureSummary}`));
}

/** By how many pixels a page is wider than its window. */
export function overflow(page) {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}

/** Takes a picture of the whole page. */
export function picture(page, name) {
  return page.screenshot({ path: join(out, `${name}.png`), fullPage: true });
}
