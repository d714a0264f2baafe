import { existsSync } from 'node:fs';
import {
  chromium,
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  type Page,
} from 'playwright-core';
import { PASSWORD, verified } from '../../support/actors';
import { TestApp } from '../../support/app';
import type { Letter } from '../../support/mailbox';

/** CHROMIUM names another one. */
const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const TELL_VIOLATIONS = `addEventListener('securitypolicyviolation', (event) =>
  console.error('CSP violation: ' + event.violatedDirective + ' ' + event.blockedURI))`;

/** The service and a browser. Whatever no page may do is collected while they are used. */
export class Browsing {
  private readonly trouble: string[] = [];

  private constructor(
    readonly app: TestApp,
    private readonly browser: Browser,
  ) {}

  static async start(env: Record<string, string> = {}): Promise<Browsing> {
    const executablePath = process.env.CHROMIUM ?? PLACES.find((place) => existsSync(place));
    if (!executablePath) throw new Error('There is no Chromium here: name one in CHROMIUM');
    const [app, browser] = await Promise.all([
      TestApp.start({ env }),
      chromium.launch({ executablePath, args: ARGS }),
    ]);
    return new Browsing(app, browser);
  }

  /** Another person, or another device of the same. */
  async device(options: BrowserContextOptions = {}): Promise<BrowserContext> {
    const context = await this.browser.newContext({ baseURL: this.app.http.baseUrl, ...options });
    await context.addInitScript(TELL_VIOLATIONS);
    context.setDefaultTimeout(5_000);
    context.on('page', (page) => this.watch(page));
    return context;
  }

  async open(path: string, options: BrowserContextOptions = {}): Promise<Page> {
    const page = await (await this.device(options)).newPage();
    await page.goto(path);
    return page;
  }

  /** A page of somebody who is signed in. */
  async signedIn(
    path = '/account',
    options: BrowserContextOptions = {},
  ): Promise<{ page: Page; email: string }> {
    const { email } = await verified(this.app);
    const page = await this.open(path, options);
    await signIn(page, email);
    return { page, email };
  }

  /** Follows the link of a letter, which leads to PUBLIC_URL, to where the service under test is. */
  async follow(page: Page, { text }: Letter): Promise<void> {
    const link = new URL(/https?:\S+#token=\S+/.exec(text)![0]);
    await page.goto(link.pathname + link.hash);
  }

  /** No violation of the Content-Security-Policy, no exception, no warning of React, no request to another host. */
  assertNoTrouble(): void {
    const trouble = this.trouble.splice(0);
    if (trouble.length > 0) throw new Error(`A page did what none may do:\n${trouble.join('\n')}`);
  }

  async close(): Promise<void> {
    await this.browser.close();
    await this.app.close();
  }

  private watch(page: Page): void {
    page.on('pageerror', ({ message }) => this.trouble.push(`exception: ${message}`));
    page.on('console', (message) => {
      if (/CSP violation|Content.Security.Policy|Warning:|React/.test(message.text()))
        this.trouble.push(message.text());
    });
    page.on('request', (request) => {
      if (!/^(blob|data):/.test(request.url()) && !request.url().startsWith(this.app.http.baseUrl))
        this.trouble.push(`request to ${request.url()}`);
    });
  }
}

export async function signIn(page: Page, email: string, password = PASSWORD): Promise<void> {
  await page.getByLabel('Email address').fill(email);
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('button', { name: 'Sign out', exact: true }).waitFor();
}

/** The heading of the page, once it is this. */
export function heading(page: Page, name: string): Promise<void> {
  return page.getByRole('heading', { level: 1, name, exact: true }).waitFor();
}

export function pathOf(page: Page): string {
  const { pathname, search, hash } = new URL(page.url());
  return pathname + search + hash;
}

/** Evaluated as text: the tests know nothing of the browser's globals. */
export function ask<Answer>(page: Page, expression: string): Promise<Answer> {
  return page.evaluate<Answer>(expression);
}
