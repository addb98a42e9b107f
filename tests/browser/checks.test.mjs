// The checks of the security plan that only a browser can answer: A51, A52, A53.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { launch } from './chromium.mjs';
import { PASSWORD, start, until } from './gateway.mjs';

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

const submit = (page) => page.locator('main form [type=submit], main form button:not([type=button])').first().click();

/** Somebody new in a window of their own, signed in and on the secret page. */
async function person() {
  const context = await browser.newContext();
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  people += 1;
  const name = `anna${people}`;
  await page.goto(`${gateway.address}/_auth/register?to=%2Fsecret.html`);
  await page.fill('[name=username]', name);
  await page.fill('[name=email]', `${name}@example.com`);
  await page.fill('[name=password]', PASSWORD);
  await submit(page);
  await page.waitForURL(`${gateway.address}/secret.html`);
  return { context, page, name };
}

test('A51: after signing out neither Back nor reload nor the old cookie shows anything', async () => {
  const { context, page } = await person();
  const secret = await page.locator('h1').first().innerText();
  const kept = await context.cookies();
  assert.equal(kept.length, 1);
  for (const path of ['/secret.html', '/_auth/account']) {
    const answer = await page.goto(`${gateway.address}${path}`);
    assert.equal(answer.status(), 200);
    assert.match(answer.headers()['cache-control'], /no-store/, path);
  }
  await page.goto(`${gateway.address}/secret.html`);
  await page.goto(`${gateway.address}/_auth/logout`);
  await submit(page);
  await page.waitForURL(`${gateway.address}/`);

  for (let step = 0; step < 3; step += 1) {
    await page.goBack().catch(() => {});
    assert.notEqual(await page.locator('h1').first().innerText(), secret, `Back, ${step}`);
    await page.reload();
    assert.notEqual(await page.locator('h1').first().innerText(), secret, `reloaded, ${step}`);
  }
  await context.addCookies(kept);
  await page.goto(`${gateway.address}/secret.html`);
  assert.match(page.url(), /\/_auth\/login\?to=/, 'the cookie is dead at the server');
  await context.close();
});

/** Five hundred ways to write another address, and some more. */
function spellings() {
  const hosts = ['evil.test', 'evil.test:80', 'user@evil.test', 'localhost.evil.test', 'localhost@evil.test', 'localhost:80@evil.test', '[::1]', '3232235777', '%65vil.test', 'evil\u3002test'];
  const ways = [
    '//HOST', '///HOST', '////HOST', '/\\HOST', '\\/HOST', '\\\\HOST', '/\t/HOST', '/\n/HOST', '/\r/HOST', '\t//HOST', ' //HOST', '\u00a0//HOST',
    'http://HOST', 'https://HOST', 'HTTP://HOST', 'http:HOST', 'https:HOST', 'http:/HOST', 'http:\\\\HOST', 'http:///HOST', 'ht\ntp://HOST', 'h\ttp://HOST', '\u0001http://HOST',
    '/%2f/HOST', '/%2fHOST', '/%5cHOST', '%2f%2fHOST', '/.//HOST', '/..//HOST', '/x/..//HOST', '/x/../\\HOST', '/./\\HOST', '/%2e%2e//HOST',
    'ftp://HOST', 'ws://HOST', 'file://HOST', 'blob:http://HOST', 'view-source:http://HOST', '//HOST/%2f..', '//HOST?', '//HOST#', '/?//HOST/../', '//HOST\\@localhost', '/;//HOST', '/\u2028/HOST', '/\u0000/HOST', '//\u200bHOST', '/\u00ad/HOST',
  ];
  const scripts = ['javascript:alert(1)', 'JaVaScRiPt:alert(1)', 'java\nscript:alert(1)', '\u0001javascript:alert(1)', 'data:text/html,evil', 'vbscript:x', '/page\r\nLocation: http://evil.test', '/page\r\n\r\n<script>', '//', '///', '/\\', '\\', ':', 'http:', '%00//evil.test', '/_auth/logout', '/_auth/login?to=//evil.test', '?//evil.test', '#//evil.test', './/evil.test'];
  return [...ways.flatMap((way) => hosts.map((host) => way.replace('HOST', host))), ...scripts];
}

test('A52: however another address is written, `to` leads nowhere but here', async () => {
  const { context, page, name } = await person();
  const all = spellings();
  assert.ok(all.length >= 500, `${all.length}`);
  const [{ name: cookie, value }] = await context.cookies();
  const login = `${gateway.address}/_auth/login`;
  const asked = (to, init) => fetch(`${login}?to=${encodeURIComponent(to)}`, { redirect: 'manual', ...init });
  const known = { headers: { cookie: `${cookie}=${value}` } };
  const led = new Map();
  const note = (to, answer) => {
    assert.equal(answer.status, 303, JSON.stringify(to));
    led.set(answer.headers.get('location'), to);
  };
  for (let begin = 0; begin < all.length; begin += 25) {
    const some = all.slice(begin, begin + 25);
    const answers = await Promise.all(some.map((to) => asked(to, known)));
    answers.forEach((answer, index) => note(some[index], answer));
    if (begin % 100) continue;
    const [to] = some;
    // A stranger is shown the form, and led by it.
    assert.equal((await asked(to)).status, 200);
    const body = new URLSearchParams({ login: name, password: PASSWORD, to });
    note(to, await fetch(login, { method: 'POST', redirect: 'manual', body }));
  }
  // Where the browser ends, for every different word of ours.
  await page.goto(`${gateway.address}/`);
  for (const [location, to] of led) {
    const origin = await page.evaluate((where) => new URL(where, document.baseURI).origin, location);
    assert.equal(origin, gateway.address, `${JSON.stringify(to)} led to ${location}`);
    await page.goto(`${login}?to=${encodeURIComponent(to)}`);
    assert.equal(new URL(page.url()).origin, gateway.address, `${JSON.stringify(to)} ended at ${page.url()}`);
  }
  const good = await asked('/secret.html?a=b', known);
  assert.equal(good.headers.get('location'), '/secret.html?a=b', 'and where it may lead it does');
  await context.close();
});

test('A53: no page of ours can be put into a frame', async () => {
  const frames = (paths = []) => paths.map((path) => `<iframe src="${gateway.address}/_auth/${path}"></iframe>`).join('');
  const shown = { stranger: ['login', 'register', 'recover', 'nothing-here'], person: ['logout', 'account', 'account/email', 'account/two-factor', 'account/delete'] };
  const evil = createServer((request, response) => {
    response.setHeader('Content-Type', 'text/html');
    response.end(`<!doctype html><title>evil</title>${frames(shown[request.url.slice(1)])}<iframe src="${gateway.address}/"></iframe>`);
  }).listen(0, '127.0.0.1');
  await new Promise((done) => evil.once('listening', done));
  const somebody = await person();
  const nobody = await browser.newContext();
  for (const [who, context] of [['stranger', nobody], ['person', somebody.context]]) {
    const page = await context.newPage();
    // By the browser's reckoning the one is the same site, so that cookies come along, and the other is not.
    for (const host of ['localhost', '127.0.0.1']) {
      await page.goto(`http://${host}:${evil.address().port}/${who}`);
      const inside = () => page.frames().slice(1).map((frame) => frame.url());
      // The site's own pages are the site's own affair.
      await until('the last frame is shown', () => inside().at(-1) === `${gateway.address}/`);
      assert.equal(inside().length, shown[who].length + 1);
      const ours = inside().filter((url) => url.includes('/_auth/'));
      assert.deepEqual(ours, [], `${who} from ${host}`);
      for (const frame of page.frames().slice(1, -1)) {
        assert.equal(await frame.locator('main form').count(), 0, `${who} from ${host}`);
      }
    }
    await context.close();
  }
  evil.close();
});
