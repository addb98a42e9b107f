// Somebody who forgot a password, with a real mail server: over STARTTLS and over TLS from the first byte.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, picture } from './chromium.mjs';
import { PASSWORD, start } from './gateway.mjs';
import { mailServer } from './mail.mjs';
import { STORES } from './stores.mjs';

const NEW = 'quite-another-77-umbrella';

let browser;
before(async () => {
  browser = await launch();
});
after(async () => {
  await browser?.close();
});

const submit = (page) => page.locator('main form [type=submit], main form button:not([type=button])').first().click();
const at = (path) => (url) => url.pathname === path;

/** Types a code, or opens the link of the mail and presses the button there. */
async function prove(page, mail, way) {
  if (way === 'link') {
    await page.goto(mail.link);
  } else {
    await page.fill('[name=code]', mail.code);
  }
  await submit(page);
}

const ROWS = [
  ['starttls', 'embedded', 'code'],
  ['tls', 'embedded', 'link'],
  ['tls', 'redis and postgresql', 'code'],
  ['starttls', 'redis and postgresql', 'link'],
];
for (const [how, store, way] of ROWS) {
  test(`register, forget the password, choose another (${how}, ${store}, by ${way})`, async (story) => {
    const mail = await mailServer(how);
    story.after(() => mail.stop());
    const stores = await STORES[store]();
    story.after(() => stores.stop());
    const gateway = await start(`${stores.sections}${mail.sections}[portal]\nurl = "http://localhost:{gate}"\n`, mail.env);
    story.after(() => gateway.stop());
    const context = await browser.newContext({ javaScriptEnabled: way === 'code' });
    const page = await context.newPage();
    page.setDefaultTimeout(15_000);

    await page.goto(`${gateway.address}/secret.html`);
    await page.locator('main a[href*="/_auth/register"]').first().click();
    await page.fill('[name=username]', 'anna');
    await page.fill('[name=email]', 'anna@example.com');
    await page.fill('[name=password]', PASSWORD);
    await submit(page);
    await page.waitForURL(at('/_auth/verify'));
    await prove(page, await mail.message('anna@example.com', /code$/), way);
    await page.waitForURL((url) => !url.pathname.startsWith('/_auth/verify'));
    await page.goto(`${gateway.address}/secret.html`);
    assert.equal(new URL(page.url()).pathname, '/secret.html', 'signed in');
    const elsewhere = await context.storageState();
    await context.clearCookies();

    await page.goto(`${gateway.address}/_auth/login`);
    await page.getByText('Forgot your password?').click();
    await page.fill('[name=email]', 'Anna@Example.com');
    await submit(page);
    await page.waitForURL(at('/_auth/recover/code'));
    await picture(page, `recovery-code-${how}`);
    await prove(page, await mail.message('anna@example.com', /code$/, 2), way);
    await page.waitForURL(at('/_auth/recover/password'));
    await page.fill('[name=password]', NEW);
    await submit(page);
    await page.waitForURL(at('/_auth/login'));
    await mail.message('anna@example.com', /password was changed$/);

    await page.fill('[name=login]', 'anna');
    await page.fill('[name=password]', PASSWORD);
    await submit(page);
    await page.locator('.alert').waitFor();
    await page.fill('[name=login]', 'anna');
    await page.fill('[name=password]', NEW);
    await submit(page);
    await page.waitForURL(at('/'));
    await page.goto(`${gateway.address}/secret.html`);
    assert.equal(new URL(page.url()).pathname, '/secret.html');

    const former = await browser.newContext({ storageState: elsewhere });
    const other = await former.newPage();
    await other.goto(`${gateway.address}/secret.html`);
    assert.equal(new URL(other.url()).pathname, '/_auth/login', 'what was signed in before is not any more');
    await former.close();
    await context.close();
  });
}
