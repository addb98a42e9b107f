// The journey of somebody who wants to see a page: with a mouse, with a keyboard, with script off.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { launch, picture } from './chromium.mjs';
import { PASSWORD, start } from './gateway.mjs';

let browser;
let gateway;
let people = 0;

before(async () => {
  [browser, gateway] = await Promise.all([launch(), start()]);
});
after(async () => {
  await browser?.close();
  await gateway?.stop();
});

/** A window of its own, with the words that a person has not used yet. */
async function visitor(options = {}) {
  const context = await browser.newContext({ acceptDownloads: true, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  people += 1;
  return { context, page, name: `anna${people}`, email: `anna${people}@example.com` };
}

const heading = (page) => page.locator('h1').first().innerText();

async function register(page, { name, email }) {
  await page.goto(`${gateway.address}/secret.html`);
  assert.match(page.url(), /\/_auth\/login\?to=%2Fsecret\.html$/);
  await page.locator('main a[href*="/_auth/register"]').first().click();
  await page.locator('[name=username]').fill(name);
  await page.locator('[name=email]').fill(email);
  await page.locator('[name=password]').fill(PASSWORD);
  await page.locator('main form [type=submit], main form button:not([type=button])').first().click();
  await page.waitForURL(`${gateway.address}/secret.html`);
}

async function signOut(page) {
  await page.goto(`${gateway.address}/_auth/logout`);
  await page.locator('main form button, main form [type=submit]').first().click();
  await page.waitForURL(`${gateway.address}/`);
}

for (const [how, options] of [['with script', {}], ['without script', { javaScriptEnabled: false }]]) {
  test(`register, see the page asked for, download, sign out, press Back (${how})`, async () => {
    const { context, page, ...person } = await visitor(options);
    await register(page, person);
    const secret = await heading(page);
    await picture(page, `sample-secret-${how.replaceAll(' ', '-')}`);

    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.locator('a[download], a[href*="/downloads/"]').first().click(),
    ]);
    const text = readFileSync(await download.path(), 'utf8');
    assert.ok(text.length > 100, 'the download is the file');

    await signOut(page);
    await page.goBack();
    await page.goBack().catch(() => {});
    assert.notEqual(await heading(page), secret, 'Back shows nothing of it');
    await page.goto(`${gateway.address}/secret.html`);
    assert.match(page.url(), /\/_auth\/login/);
    await context.close();
  });

  test(`a wrong password, then the right one (${how})`, async () => {
    const first = await visitor(options);
    await register(first.page, first);
    await first.context.close();

    const { context, page } = await visitor(options);
    await page.goto(`${gateway.address}/secret.html`);
    await page.locator('[name=login]').fill(first.name);
    await page.locator('[name=password]').fill('not the right one');
    await page.locator('main form [type=submit], main form button:not([type=button])').first().click();
    assert.equal(await page.locator('[name=login]').inputValue(), first.name, 'the name is kept');
    assert.equal(await page.locator('[name=password]').inputValue(), '', 'the password is not');
    await page.locator('[name=password]').fill(PASSWORD);
    await page.locator('main form [type=submit], main form button:not([type=button])').first().click();
    await page.waitForURL(`${gateway.address}/secret.html`);
    await context.close();
  });
}

test('signing in with the keyboard alone, in reading order, with the focus always to be seen', async () => {
  const first = await visitor();
  await register(first.page, first);
  await first.context.close();

  const { context, page } = await visitor();
  await page.goto(`${gateway.address}/secret.html`);
  const focused = () =>
    page.evaluate(() => {
      const element = document.activeElement;
      const { top, left } = element.getBoundingClientRect();
      const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(element);
      const seen = (outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2) || boxShadow !== 'none';
      return { name: element.getAttribute('name'), tag: element.localName, label: element.innerText, top, left, seen };
    });
  const typed = { login: first.name, password: PASSWORD };
  const order = [];
  // A field may have the focus already.
  for (let step = 0; step < 20; step += 1) {
    const here = await focused();
    if (here.tag !== 'body') {
      order.push(here);
      assert.ok(here.seen, `the focus is not to be seen on ${JSON.stringify(here)}`);
      if (typed[here.name] !== undefined) {
        await page.keyboard.type(typed[here.name]);
        delete typed[here.name];
      }
      if (here.tag === 'button' && /sign in/i.test(here.label)) break;
    }
    await page.keyboard.press('Tab');
  }
  assert.deepEqual(typed, {}, 'both fields were reached');
  order.reduce((before, now) => {
    assert.ok(now.top >= before.top - 30, `${JSON.stringify(now)} comes after ${JSON.stringify(before)}`);
    return now;
  });
  await page.keyboard.press('Enter');
  await page.waitForURL(`${gateway.address}/secret.html`);
  await context.close();
});

test('the sample site greets who is signed in', async () => {
  const { context, page, ...person } = await visitor();
  await page.goto(`${gateway.address}/`);
  await picture(page, 'sample-home');
  await register(page, person);
  await page.goto(`${gateway.address}/`);
  await page.locator(`text=${person.name}`).first().waitFor();
  await context.close();
});

test('nothing is asked of anybody else, and nothing goes wrong in the console', async () => {
  const { context, page, ...person } = await visitor();
  const wrong = [];
  page.on('console', (message) => message.type() === 'error' && wrong.push(message.text()));
  page.on('pageerror', (error) => wrong.push(String(error)));
  page.on('request', (request) => {
    if (!request.url().startsWith(gateway.address)) wrong.push(`asked ${request.url()}`);
  });
  await page.goto(`${gateway.address}/`);
  await register(page, person);
  await page.goto(`${gateway.address}/headers.html`);
  await page.goto(`${gateway.address}/_auth/account`);
  await signOut(page);
  // A stranger's `api/me` is a 401: the browser notes it, and nobody minds.
  assert.deepEqual(wrong.filter((line) => !/401/.test(line)), []);
  await context.close();
});

test('a remembered person is still there when the browser opens again', async () => {
  const first = await visitor();
  await register(first.page, first);
  await first.context.close();

  const { context, page } = await visitor();
  await page.goto(`${gateway.address}/_auth/login?to=%2Fsecret.html`);
  await page.locator('[name=login]').fill(first.name);
  await page.locator('[name=password]').fill(PASSWORD);
  await page.locator('[name=remember]').check();
  await page.locator('main form [type=submit], main form button:not([type=button])').first().click();
  await page.waitForURL(`${gateway.address}/secret.html`);
  const kept = (await context.cookies()).filter((cookie) => cookie.expires > 0);
  assert.equal(kept.length, 1, 'a cookie that outlives the browser');
  await context.close();

  const again = await visitor();
  await again.context.addCookies(kept);
  await again.page.goto(`${gateway.address}/secret.html`);
  assert.equal(again.page.url(), `${gateway.address}/secret.html`);
  await again.context.close();
});
