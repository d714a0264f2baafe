// `npm run screenshots`: takes the pictures in docs/screenshots of the built service, in a folder of its own.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { chromium } from 'playwright-core';

const ROOT = join(import.meta.dirname, '..');
const PICTURES = join(ROOT, 'docs/screenshots');
const PORT = process.env.PORT ?? '3987';
const BASE = `http://localhost:${PORT}`;
const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-sync',
];

const EMAIL = 'ada@example.org';
const PASSWORD = 'correct horse 7 battery!';
const DESKTOP = { width: 960, height: 680 };
const PHONE = { width: 390, height: 780 };
const IPHONE =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile/15E148 Safari/604.1';
const FIREFOX = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0';
const TASKS = [
  ['Renew the certificate', 'It runs out on the first of December.'],
  ['Read the report of last week', ''],
  ['Water the plants', 'All but the cactus'],
];

const folder = mkdtempSync(join(tmpdir(), 'gatehouse-pictures-'));
const { PATH, HOME } = process.env;
const service = spawn(process.execPath, [join(ROOT, 'dist/server/main.js')], {
  cwd: folder,
  env: { PATH, HOME, PORT, BCRYPT_COST: '4', LOG_LEVEL: 'error' },
  stdio: 'inherit',
});
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? PLACES.find((place) => existsSync(place)),
  args: ARGS,
});
try {
  await isReady();
  await register();
  mkdirSync(PICTURES, { recursive: true });
  await take('start-light', '/', {});
  await take('login-light', '/login', {});
  await take('register-phone-dark', '/register', { viewport: PHONE, colorScheme: 'dark' }, choosePassword);
  await take('account-dark', '/account', {
    colorScheme: 'dark',
    userAgent: FIREFOX,
    viewport: { width: 960, height: 1200 },
  });
  await take('tasks-light', '/tasks', { viewport: { width: 960, height: 860 } }, addTasks);
  await take('account-phone-light', '/account', { viewport: PHONE, userAgent: IPHONE });
} finally {
  await browser.close();
  service.kill();
  await once(service, 'close');
  rmSync(folder, { recursive: true, force: true });
}

async function take(name, path, options, prepare = async () => undefined) {
  const context = await browser.newContext({ baseURL: BASE, viewport: DESKTOP, ...options });
  const page = await context.newPage();
  await page.goto(path);
  await page.locator('h1').waitFor();
  if (path === '/account' || path === '/tasks') await signIn(page);
  await prepare(page);
  await page.evaluate('document.activeElement.blur(); scrollTo(0, 0)');
  await page.mouse.move(0, 0);
  await page.waitForLoadState('networkidle');
  await page.waitForTimeout(300);
  await page.screenshot({ path: join(PICTURES, `${name}.png`) });
  await context.close();
}

async function signIn(page) {
  await page.getByLabel('Email address').fill(EMAIL);
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('button', { name: 'Sign out', exact: true }).waitFor();
}

async function choosePassword(page) {
  await page.getByLabel('Email address').fill('grace@example.org');
  await page.getByLabel('Password', { exact: true }).fill('harbour 4');
}

async function addTasks(page) {
  for (const [title, description] of TASKS.toReversed()) {
    await page.getByLabel('Title').fill(title);
    await page.getByLabel('Description').fill(description);
    await page.getByRole('button', { name: 'Add task' }).click();
    await page.getByText(`“${title}” is added.`).waitFor();
  }
  await page.getByRole('checkbox', { name: 'Water the plants' }).check();
}

async function register() {
  await post('/api/auth/register', { email: EMAIL, password: PASSWORD, name: 'Ada Lovelace' });
  for (;;) {
    const letters = await (await fetch(`${BASE}/dev/mailbox/letters?to=${EMAIL}`)).json();
    const token = /#token=([\w-]+)/.exec(letters[0]?.text ?? '')?.[1];
    if (token) return post('/api/auth/verify', { token });
    await sleep(100);
  }
}

async function post(path, body) {
  const headers = { 'Content-Type': 'application/json' };
  const { ok, status } = await fetch(BASE + path, { method: 'POST', headers, body: JSON.stringify(body) });
  if (!ok) throw new Error(`${path} answered ${status}`);
}

async function isReady() {
  for (let tries = 0; tries < 600; tries++) {
    const answer = await fetch(`${BASE}/health/ready`).catch(() => undefined);
    if (answer?.ok) return;
    await sleep(100);
  }
  throw new Error('the service did not become ready');
}
