// Every page, in light, in dark and on 320 pixels: nothing that axe-core objects to, nothing beside the screen.
// The pictures land in out/; with DOORWARD_PICTURES=1 those of the README are made anew.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { launch, LOOKS, objections, overflow, picture } from './chromium.mjs';
import { freePort, PASSWORD, start } from './gateway.mjs';

let browser;
let gateway;
let anna;

before(async () => {
  const nobody = await freePort();
  const sections = `
[throttle]
account_failures = 3
[[site]]
host = "localhost"
upstream = "http://127.0.0.1:${nobody}"
[[site.rule]]
path = "/admin/**"
allow = ["role:admin"]
[[site.rule]]
allow = "signed_in"
`;
  [browser, gateway] = await Promise.all([launch(), start(sections)]);
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(`${gateway.address}/_auth/register`);
  await page.locator('[name=username]').fill('anna');
  await page.locator('[name=email]').fill('anna@example.com');
  await page.locator('[name=password]').fill(PASSWORD);
  await submit(page);
  anna = await context.storageState();
  await context.close();
});
after(async () => {
  await browser?.close();
  await gateway?.stop();
});

const submit = (page) => page.locator('main form [type=submit], main form button:not([type=button])').first().click();

/** Goes somewhere and sees that the answer is the one meant. */
async function open(page, path, status, base = gateway.address) {
  const answer = await page.goto(base + path);
  assert.equal(answer.status(), status, path);
}

async function refused(page, path, fields, status) {
  await open(page, path, 200);
  for (const [name, value] of Object.entries(fields)) await page.locator(`[name=${name}]`).fill(value);
  const [answer] = await Promise.all([page.waitForResponse((response) => response.request().method() === 'POST'), submit(page)]);
  assert.equal(answer.status(), status, path);
}

const setupLink = () => gateway.log().match(/\/_auth\/setup\?t=\S+/)[0];

/** name → whose browser, and how to get there. */
const PAGES = {
  login: [null, (page) => open(page, '/_auth/login?to=%2Fsecret', 200)],
  'login-refused': [null, (page, look) => refused(page, '/_auth/login', { login: `nobody-${look}`, password: 'x' }, 401)],
  'too-many-tries': [null, async (page, look) => {
    const login = `somebody-${look}`;
    for (let tries = 0; ; tries += 1) {
      await open(page, '/_auth/login', 200);
      await page.locator('[name=login]').fill(login);
      await page.locator('[name=password]').fill('wrong');
      const [answer] = await Promise.all([page.waitForResponse((response) => response.request().method() === 'POST'), submit(page)]);
      if (answer.status() === 429) return;
      assert.ok(answer.status() === 401 && tries < 10, `${answer.status()} after ${tries} tries`);
    }
  }],
  register: [null, (page) => open(page, '/_auth/register', 200)],
  'register-refused': [null, (page) => refused(page, '/_auth/register', { username: 'anna', email: 'anna@example.com', password: 'short' }, 422)],
  setup: [null, (page) => open(page, setupLink(), 200)],
  'not-found': [null, (page) => open(page, '/_auth/nothing-here', 404)],
  'bad-request': [null, (page) => open(page, '/a%2Fb', 400)],
  'unknown-site': [null, (page) => open(page, '/', 421, gateway.byNumber)],
  logout: ['anna', (page) => open(page, '/_auth/logout', 200)],
  account: ['anna', (page) => open(page, '/_auth/account', 200)],
  forbidden: ['anna', (page) => open(page, '/admin/users', 403)],
  'site-is-down': ['anna', (page) => open(page, '/page', 502)],
};

for (const [name, [who, go]] of Object.entries(PAGES)) {
  for (const [look, options] of Object.entries(LOOKS)) {
    test(`${name}, ${look}`, async () => {
      const context = await browser.newContext({ ...options, storageState: who ? anna : undefined });
      const page = await context.newPage();
      page.setDefaultTimeout(10_000);
      await go(page, look);
      await picture(page, `${name}-${look}`);
      assert.deepEqual(await objections(page), []);
      assert.equal(await overflow(page), 0, 'nothing beside the screen');
      assert.match(await page.title(), / · /, 'a title that says page and site');
      await context.close();
    });
  }
}

test('200 % zoom, forced colours, and no motion', async () => {
  for (const path of ['/_auth/login', '/_auth/register']) {
    const zoomed = await browser.newContext({ viewport: { width: 512, height: 384 }, deviceScaleFactor: 2 });
    const forced = await browser.newContext({ forcedColors: 'active', reducedMotion: 'reduce' });
    for (const [look, context] of [['zoomed', zoomed], ['forced-colours', forced]]) {
      const page = await context.newPage();
      await open(page, path, 200);
      assert.equal(await overflow(page), 0);
      await picture(page, `${path.split('/').pop()}-${look}`);
      await context.close();
    }
  }
});

test('targets are large enough for a thumb', async () => {
  const context = await browser.newContext(LOOKS.narrow);
  const page = await context.newPage();
  await open(page, '/_auth/login', 200);
  const low = await page.evaluate(() =>
    [...document.querySelectorAll('main input:not([type=hidden]):not([type=checkbox]), main button[type=submit], main form > button')]
      .map((element) => [element.name || element.innerText, element.getBoundingClientRect().height])
      .filter(([, height]) => height < 44),
  );
  assert.deepEqual(low, []);
  await context.close();
});

test('the pictures of the README', { skip: !process.env.DOORWARD_PICTURES }, async () => {
  const pictures = join(dirname(fileURLToPath(import.meta.url)), '../../docs/pictures');
  mkdirSync(pictures, { recursive: true });
  for (const colorScheme of ['light', 'dark']) {
    const context = await browser.newContext({ colorScheme, viewport: { width: 720, height: 560 }, deviceScaleFactor: 2 });
    const page = await context.newPage();
    await open(page, '/_auth/login?to=%2Fsecret', 200);
    await page.screenshot({ path: join(pictures, `login-${colorScheme}.png`) });
    await context.close();
  }
});
