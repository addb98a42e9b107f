// Every page, in light, in dark and on 320 pixels: nothing that axe-core objects to, nothing beside the screen.
// The pictures land in out/; with DOORWARD_PICTURES=1 those of the README are made anew.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { launch, LOOKS, objections, overflow, picture } from './chromium.mjs';
import { freePort, PASSWORD, start } from './gateway.mjs';

let browser;
let gateway;
let anna;
let bob;

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
  anna = await inItsOwn(async (page) => register(page, 'anna'));
  bob = await inItsOwn(async (page) => {
    await register(page, 'bob');
    await turnOn(page);
  });
});
after(async () => {
  await browser?.close();
  await gateway?.stop();
});

const submit = (page) => page.locator('main form [type=submit], main form button:not([type=button])').first().click();

/** Does something in a browser of its own, and gives what the browser keeps of it. */
async function inItsOwn(what) {
  const context = await browser.newContext();
  await what(await context.newPage());
  const state = await context.storageState();
  await context.close();
  return state;
}

async function register(page, name) {
  await page.goto(`${gateway.address}/_auth/register`);
  await page.locator('[name=username]').fill(name);
  await page.locator('[name=email]').fill(`${name}@example.com`);
  await page.locator('[name=password]').fill(PASSWORD);
  await submit(page);
  await page.waitForURL((url) => !url.pathname.endsWith('/register'));
}

/** What an authenticator app shows that was told this key (RFC 6238). */
function code(key) {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  const bits = [...key.replaceAll(' ', '')].map((letter) => letters.indexOf(letter).toString(2).padStart(5, '0')).join('');
  const secret = Buffer.from(bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)));
  const hash = createHmac('sha1', secret).update(step).digest();
  const number = hash.readUInt32BE(hash[19] & 0xf) & 0x7fff_ffff;
  return String(number % 1_000_000).padStart(6, '0');
}

/** Two-step sign-in up to where the key is shown. */
async function setUp(page) {
  await open(page, '/_auth/account/two-factor', 200);
  if (await page.locator('[name=current]').count()) await page.locator('[name=current]').fill(PASSWORD);
  await submit(page);
  await page.locator('.key').waitFor();
}

/** All the way, up to where the recovery codes are shown. */
async function turnOn(page) {
  await setUp(page);
  await page.locator('[name=code]').fill(code(await page.locator('.key').innerText()));
  await submit(page);
  await page.locator('.codes').waitFor();
}

/** Up to where the code is asked for. */
async function halfWay(page, login) {
  await open(page, '/_auth/login?to=%2Fsecret', 200);
  await page.locator('[name=login]').fill(login);
  await page.locator('[name=password]').fill(PASSWORD);
  await submit(page);
  await page.locator('[name=code]').waitFor();
}

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
  recover: [null, (page) => open(page, '/_auth/recover', 200)],
  'recover-refused': [null, (page) => refused(page, '/_auth/recover', { email: 'no address' }, 422)],
  'recover-code': [null, async (page) => {
    await open(page, '/_auth/recover', 200);
    await page.fill('[name=email]', 'nobody@example.com');
    await page.click('main form button:last-of-type');
    await page.waitForURL((url) => url.pathname.endsWith('/recover/code'));
  }],
  'login-code': [null, (page) => halfWay(page, 'bob')],
  'login-code-recovery': [null, async (page) => {
    await halfWay(page, 'bob');
    await page.locator('.more a').click();
    await page.getByText('Recovery code', { exact: true }).waitFor();
  }],
  'login-code-refused': [null, async (page, look) => {
    await inItsOwn(async (other) => {
      await register(other, `kim-${look}`);
      await turnOn(other);
    });
    await halfWay(page, `kim-${look}`);
    await page.locator('[name=code]').fill('nonsense');
    await submit(page);
    await page.locator('.alert').waitFor();
  }],
  'login-code-missing': ['anna', (page) => open(page, '/_auth/login/code?to=%2Fsecret', 403)],
  'two-factor-off': ['anna', (page) => open(page, '/_auth/account/two-factor', 200)],
  'two-factor-set-up': ['anna', setUp],
  'two-factor-set-up-refused': ['anna', async (page) => {
    await setUp(page);
    await submit(page);
    await page.locator('.alert').waitFor();
  }],
  'two-factor-codes': [null, async (page, look) => {
    await register(page, `lee-${look}`);
    await turnOn(page);
  }],
  'two-factor-on': ['bob', (page) => open(page, '/_auth/account/two-factor', 200)],
  'two-factor-new-codes': ['bob', (page) => open(page, '/_auth/account/two-factor/recovery-codes', 200)],
  'two-factor-turn-off': ['bob', (page) => open(page, '/_auth/account/two-factor/turn-off', 200)],
  'account-email': ['anna', (page) => open(page, '/_auth/account/email', 200)],
  'account-email-refused': ['anna', (page) => refused(page, '/_auth/account/email', { email: 'no address' }, 422)],
  'account-email-link': ['anna', (page) => open(page, `/_auth/account/email?t=${'t'.repeat(43)}`, 200)],
  'account-email-gone': ['anna', (page) => open(page, '/_auth/account/email?done=gone', 200)],
  'account-key': ['anna', (page) => open(page, '/_auth/account/keys', 200)],
  'account-key-refused': ['anna', async (page) => {
    await open(page, '/_auth/account/keys', 200);
    await page.locator('summary').click();
    await page.fill('[name=name]', 'Sicherungskopien der Donaudampfschifffahrtselektrizitätenhauptbetriebswerke');
    await page.fill('[name=paths]', 'reports');
    await page.fill('[name=days]', 'ten');
    await submit(page);
    await page.locator('.alert').waitFor();
  }],
  'account-key-made': ['anna', async (page, look) => {
    await open(page, '/_auth/account/keys', 200);
    await page.fill('[name=name]', `backup, ${look}`);
    if (await page.locator('[name=current]').count()) await page.locator('[name=current]').fill(PASSWORD);
    await submit(page);
    await page.locator('.key').waitFor();
  }],
  'account-delete': ['anna', (page) => open(page, '/_auth/account/delete', 200)],
  'account-deleted': [null, (page) => open(page, '/_auth/login?done=deleted', 200)],
  'invitation-over': [null, (page) => open(page, '/_auth/register?invite=none', 200)],
  account: ['anna', (page) => open(page, '/_auth/account', 200)],
  forbidden: ['anna', (page) => open(page, '/admin/users', 403)],
  'site-is-down': ['anna', (page) => open(page, '/page', 502)],
};

for (const [name, [who, go]] of Object.entries(PAGES)) {
  for (const [look, options] of Object.entries(LOOKS)) {
    test(`${name}, ${look}`, async () => {
      const context = await browser.newContext({ ...options, storageState: { anna, bob }[who] });
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
