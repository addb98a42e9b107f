// The journey over TLS of the gateway's own: sent there from plain http, and kept there by the browser itself.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { launch } from './chromium.mjs';
import { PASSWORD, freePort, start } from './gateway.mjs';

const folder = mkdtempSync(join(tmpdir(), 'doorward-tls-'));
let browser;
let gateway;
let secure;

before(async () => {
  const [chain, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2',
    '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost', '-keyout', key, '-out', chain], { stdio: 'ignore' });
  const port = await freePort();
  secure = `https://localhost:${port}`;
  const sections = `listen_tls = ["127.0.0.1:${port}"]\nredirect_to_tls = true\n[[certificate]]\nchain = "${chain}"\nkey = "${key}"\n`;
  [browser, gateway] = await Promise.all([launch(), start(sections)]);
});
after(async () => {
  await browser?.close();
  await gateway?.stop();
  rmSync(folder, { recursive: true, force: true });
});

test('register over https with the cookie that no other origin can plant', async () => {
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  await page.goto(`${gateway.address}/secret.html`);
  assert.equal(page.url(), `${secure}/_auth/login?to=%2Fsecret.html`);
  const spoken = await page.evaluate(() => performance.getEntriesByType('navigation')[0].nextHopProtocol);
  assert.equal(spoken, 'h2');

  await page.locator('main a[href*="/_auth/register"]').first().click();
  await page.locator('[name=username]').fill('anna');
  await page.locator('[name=email]').fill('anna@example.com');
  await page.locator('[name=password]').fill(PASSWORD);
  await page.locator('main form [type=submit], main form button:not([type=button])').first().click();
  await page.waitForURL(`${secure}/secret.html`);
  assert.ok((await page.locator('h1').first().innerText()).length > 0);

  const cookies = await context.cookies();
  assert.deepEqual(cookies.map(({ name }) => name), ['__Host-doorward']);
  const [{ secure: safe, httpOnly, sameSite, path }] = cookies;
  assert.deepEqual({ safe, httpOnly, sameSite, path }, { safe: true, httpOnly: true, sameSite: 'Lax', path: '/' });

  await page.goto(`${secure}/_auth/logout`);
  await page.locator('main form button, main form [type=submit]').first().click();
  await page.waitForURL(`${secure}/`);
  assert.deepEqual(await context.cookies(), []);
  await page.goto(`${secure}/secret.html`);
  assert.match(page.url(), /\/_auth\/login\?to=/);
  await context.close();
});
