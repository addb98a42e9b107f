// One sign-in for three hosts on two unrelated domains, over https on its own port as far as the browser can tell.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { launch, LOOKS, objections, overflow, picture } from './chromium.mjs';
import { PASSWORD, freePort, start } from './gateway.mjs';

const [AUTH, APP, WIKI] = ['https://auth.example.com', 'https://app.example.com', 'https://wiki.example.org'];
const folder = mkdtempSync(join(tmpdir(), 'doorward-hosts-'));
let browser;
let gateway;
let people = 0;

before(async () => {
  const hosts = [AUTH, APP, WIKI].map((origin) => new URL(origin).host);
  const [chain, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2',
    '-subj', '/CN=hosts', '-addext', `subjectAltName=${hosts.map((host) => `DNS:${host}`).join(',')}`, '-keyout', key, '-out', chain], { stdio: 'ignore' });
  const port = await freePort();
  const site = (host) => `[[site]]\nhost = "${host}"\nupstream = "files:protected/site"\n`;
  const sections = `listen_tls = ["127.0.0.1:${port}"]\n[[certificate]]\nchain = "${chain}"\nkey = "${key}"\n
[portal]\nurl = "${AUTH}"\n${site('app.example.com')}${site('*.example.org')}`;
  const rules = hosts.map((host) => `MAP ${host} 127.0.0.1:${port}`).join(',');
  [browser, gateway] = await Promise.all([launch([`--host-resolver-rules=${rules}`]), start(sections)]);
});
after(async () => {
  await browser?.close();
  await gateway?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const submit = (page) => page.locator('main form [type=submit], main form button:not([type=button])').first().click();

async function visitor(options = {}) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  people += 1;
  return { context, page, name: `anna${people}` };
}

/** Makes an account on the portal, and is taken back. */
async function register(page, name, back) {
  await page.goto(back);
  assert.equal(new URL(page.url()).origin, AUTH, 'at the portal');
  await page.locator('main a[href*="/_auth/register"]').first().click();
  await page.locator('[name=username]').fill(name);
  await page.locator('[name=email]').fill(`${name}@example.com`);
  await page.locator('[name=password]').fill(PASSWORD);
  await submit(page);
  await page.waitForURL(back);
}

for (const [how, options] of [['with script', {}], ['without script', { javaScriptEnabled: false }]]) {
  test(`one sign-in, three cookies, one sign-out (${how})`, async () => {
    const { context, page, name } = await visitor(options);
    const wrong = [];
    page.on('console', (message) => message.type() === 'error' && wrong.push(message.text()));
    page.on('request', (request) => {
      if (![AUTH, APP, WIKI].includes(new URL(request.url()).origin) && !request.url().startsWith('data:')) wrong.push(`asked ${request.url()}`);
    });
    await register(page, name, `${APP}/secret.html`);
    await page.goto(`${AUTH}/_auth/logout`);
    await submit(page);
    // Once more, by the form that most people see.
    await page.goto(`${APP}/secret.html?again=1`);
    await page.locator('[name=login]').fill(name);
    await page.locator('[name=password]').fill(PASSWORD);
    await submit(page);
    await page.waitForURL(`${APP}/secret.html?again=1`);
    assert.ok((await page.locator('h1').first().innerText()).length > 0);
    await page.goto(`${WIKI}/secret.html`);
    assert.equal(page.url(), `${WIKI}/secret.html`, 'nothing to type');

    const cookies = await context.cookies();
    assert.deepEqual(cookies.map(({ domain }) => domain).sort(), ['app.example.com', 'auth.example.com', 'wiki.example.org']);
    for (const { name: called, secure, httpOnly, sameSite, path } of cookies) {
      assert.deepEqual({ called, secure, httpOnly, sameSite, path }, { called: '__Host-doorward', secure: true, httpOnly: true, sameSite: 'Lax', path: '/' });
    }
    assert.equal(new Set(cookies.map(({ value }) => value)).size, 3);

    // What it takes to show three pages on this machine, as busy as it is.
    const loading = Date.now();
    const tabs = await Promise.all([`${APP}/secret.html`, `${AUTH}/_auth/account`, `${WIKI}/secret.html`].map(async (url) => {
      const tab = await context.newPage();
      await tab.goto(url);
      assert.equal(tab.url(), url);
      return [tab, url];
    }));
    const shown = Date.now() - loading;
    await page.goto(`${WIKI}/_auth/logout`);
    const [answer] = await Promise.all([page.waitForResponse((response) => response.request().method() === 'POST'), submit(page)]);
    const began = Date.now();
    assert.equal(answer.status(), 303);
    await Promise.all(tabs.map(async ([tab, url]) => {
      await tab.goto(url);
      assert.match(tab.url(), new RegExp(`^${AUTH}/_auth/login`), url);
    }));
    const took = Date.now() - began;
    console.log(`  measured: three hosts asked for a sign-in ${took} ms after one sign-out; without one their pages took ${shown} ms`);
    assert.ok(took < 1000 + shown, `${took} ms`);
    // Whoever asks for nothing in particular sees, in the console, that they are refused: that is no mistake of a page.
    assert.deepEqual(wrong.filter((line) => !/401|403/.test(line)), []);
    await context.close();
  });
}

test('two tabs at once, and Back', async () => {
  const { context, page, name } = await visitor();
  await register(page, name, `${APP}/secret.html`);
  const tabs = await Promise.all(['secret.html', 'headers.html', 'index.html'].map(async (path) => {
    const tab = await context.newPage();
    await tab.goto(`${WIKI}/${path}`);
    return [tab, `${WIKI}/${path}`];
  }));
  for (const [tab, url] of tabs) assert.equal(tab.url(), url);
  await page.goto(`${WIKI}/headers.html`);
  await page.goBack();
  assert.equal(page.url(), `${APP}/secret.html`);
  await context.close();
});

test('who is sent to the portal by a link of somebody else comes to no other host', async () => {
  const { context, page, name } = await visitor();
  await register(page, name, `${APP}/secret.html`);
  for (const to of ['https://evil.test/', 'https://app.example.com@evil.test/', '//evil.test', 'https://app.example.com\\@evil.test/', 'https:evil.test', 'https://app.example.com:8443/']) {
    for (const path of ['login', 'leave', 'register']) {
      await page.goto(`${AUTH}/_auth/${path}?to=${encodeURIComponent(to)}&challenge=${'A'.repeat(43)}`);
      assert.equal(new URL(page.url()).origin, AUTH, `${path} ${to}`);
    }
  }
  await context.close();
});

/** name → what is opened, and its status. */
const PAGES = {
  leave: [`${AUTH}/_auth/leave?to=${encodeURIComponent(`${APP}/secret.html`)}`, 200],
  'handover-unfinished': [`${WIKI}/_auth/handover?t=over&again=1&to=%2Fsecret.html`, 403],
};

for (const [name, [url, status]] of Object.entries(PAGES)) {
  for (const [look, options] of Object.entries(LOOKS)) {
    test(`${name}, ${look}`, async () => {
      const { context, page } = await visitor(options);
      // So that the page which leads on stays to be looked at.
      await context.route(`${APP}/**`, (route) => route.fulfill({ status: 204 }));
      const answer = await page.goto(url);
      assert.equal(answer.status(), status);
      await picture(page, `${name}-${look}`);
      assert.deepEqual(await objections(page), []);
      assert.equal(await overflow(page), 0, 'nothing beside the screen');
      assert.match(await page.title(), / · /, 'a title that says page and site');
      await context.close();
    });
  }
}
