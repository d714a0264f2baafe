import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { PAGE_PATHS } from '../../src/pages/pages';
import { freshEmail, PASSWORD, verified } from '../support/actors';
import { ask, Browsing, heading, signIn } from './support/browsing';

const AXE = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const NEEDS_SESSION = new Set(['/account', '/tasks']);
const LINKED = new Set(['/verify-email', '/confirm-email', '/not-me', '/reset-password']);
const SCHEMES = ['light', 'dark'] as const;

interface Violation {
  id: string;
  nodes: { html: string; failureSummary: string }[];
}

describe('pages for everybody', () => {
  let browsing: Browsing;
  let email: string;

  beforeAll(async () => {
    browsing = await Browsing.start({ BRAND_ACCENT: '#2f56d9' });
    ({ email } = await verified(browsing.app));
  });
  afterEach(() => browsing.assertNoTrouble());
  afterAll(() => browsing.close());

  /** Evaluated rather than loaded, which the policy would not allow. */
  const violations = async (page: Page) => {
    // Transitions end somewhere between two colours otherwise.
    await page.waitForTimeout(200);
    await ask(page, `${AXE}; undefined`);
    const found = await ask<{ violations: Violation[] }>(page, 'axe.run()');
    return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
  };

  const show = async (path: string, options: Parameters<Browsing['device']>[0] = {}) => {
    const page = await browsing.open(path + (LINKED.has(path) ? '#token=x' : ''), options);
    if (NEEDS_SESSION.has(path)) await signIn(page, email);
    await page.getByRole('heading', { level: 1 }).waitFor();
    if (path === '/account') await page.getByText('this session').first().waitFor();
    return page;
  };

  describe.each(SCHEMES)('in %s', (colorScheme) => {
    it.each([...PAGE_PATHS, '/nothing'])('axe finds nothing on %s', async (path) => {
      const page = await show(path, { colorScheme });
      expect(await violations(page)).toEqual([]);
      await page.context().close();
    });

    it('axe finds nothing in forms with mistakes, dialogs, notices and lists', async () => {
      const page = await show('/register', { colorScheme });
      await page.getByLabel('Email address').fill('x');
      await page.getByLabel('Password', { exact: true }).fill('kT4#');
      await page.getByRole('button', { name: 'Create account' }).click();
      await page.getByText('Enter an email address such as').first().waitFor();
      expect(await violations(page)).toEqual([]);

      await page.goto('/tasks');
      await signIn(page, email);
      await page.getByLabel('Title').fill('Read');
      await page.getByRole('button', { name: 'Add task' }).click();
      await page.getByRole('checkbox').first().check();
      expect(await violations(page)).toEqual([]);
      await page.getByRole('button', { name: 'Delete Read' }).first().click();
      await page.getByRole('dialog').waitFor();
      expect(await violations(page)).toEqual([]);
      await page.goto('/account#password');
      await page.getByRole('dialog').waitFor();
      expect(await violations(page)).toEqual([]);
      await page.context().setOffline(true);
      await page.getByText('You are offline.').first().waitFor();
      expect(await violations(page)).toEqual([]);
      await page.context().close();
    });
  });

  it.each([...PAGE_PATHS, '/nothing'])('%s fits a window of 320 pixels', async (path) => {
    const page = await show(path, { viewport: { width: 320, height: 640 } });
    expect(await ask(page, 'document.documentElement.scrollWidth')).toBe(320);
    await page.context().close();
  });

  it.each([...PAGE_PATHS, '/nothing'])('nothing moves while %s comes up', async (path) => {
    const page = await show(path);
    await page.addInitScript(`
      self.shift = 0;
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) self.shift += entry.value;
      }).observe({ type: 'layout-shift', buffered: true });`);
    await page.reload();
    await page.getByRole('heading', { level: 1 }).waitFor();
    await page.waitForTimeout(500);
    expect(await ask<number>(page, 'self.shift')).toBeLessThan(0.02);
    await page.context().close();
  });

  it.each([...PAGE_PATHS, '/nothing'])('%s has one h1, one main, a title, a language', async (path) => {
    const page = await show(path);
    const headings = await ask<string[]>(
      page,
      `[...document.querySelectorAll('h1,h2,h3')].map((one) => one.tagName)`,
    );
    expect(headings.filter((level) => level === 'H1')).toHaveLength(1);
    expect(headings[0]).toBe('H1');
    expect(await page.getByRole('main').count()).toBe(1);
    expect(await page.title()).toMatch(/Gatehouse$/);
    expect(await ask(page, 'document.documentElement.lang')).toBe('en');
    await page.context().close();
  });

  it('the whole way is there for a keyboard', async () => {
    const page = await show('/');
    const press = async (...keys: string[]) => {
      for (const key of keys) await page.keyboard.press(key);
    };
    const focused = () =>
      ask<string>(page, '(document.activeElement.innerText || document.activeElement.name).trim()');
    await press('Tab');
    expect(await focused()).toBe('Skip to content');
    expect(await ask(page, 'getComputedStyle(document.activeElement).outlineStyle')).toBe('solid');
    await press('Tab', 'Tab');
    expect(await focused()).toBe('Sign in');
    await press('Enter');
    await heading(page, 'Sign in');
    // The new page begins at its heading.
    expect(await ask(page, 'document.activeElement.tagName')).toBe('H1');
    await press('Tab');
    await page.keyboard.type(email);
    await press('Tab', 'Tab');
    expect(await ask(page, 'document.activeElement.name')).toBe('password');
    await page.keyboard.type(PASSWORD);
    await press('Enter');
    await heading(page, 'Your account');
    await page.goto('/.well-known/change-password');
    await page.getByRole('dialog').waitFor();
    expect(await ask(page, 'document.activeElement.name')).toBe('currentPassword');
    await press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Delete my account' }).focus();
    await press('Enter');
    await page.getByRole('dialog').waitFor();
    await press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    expect(await focused()).toBe('Delete my account');
    await page.context().close();
  });

  it('the skip link leads into the page', async () => {
    const page = await show('/login');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    expect(await ask(page, 'document.activeElement.id')).toBe('main');
    await heading(page, 'Sign in');
  });

  describe('password managers', () => {
    it.each([
      ['/login', { email: 'username', password: 'current-password' }],
      ['/register', { name: 'name', email: 'username', password: 'new-password' }],
      ['/forgot-password', { email: 'username' }],
      ['/reset-password', { password: 'new-password' }],
    ])('know the fields of %s', async (path, fields) => {
      const page = await show(path);
      const found = await ask(
        page,
        `Object.fromEntries([...document.querySelector('form').elements].filter((one) => one.tagName === 'INPUT')
          .map((one) => [one.name, one.autocomplete]))`,
      );
      expect(found).toEqual(fields);
      await page.context().close();
    });

    it('know whose password is changed', async () => {
      const page = await show('/account');
      await page.getByRole('button', { name: 'Change password' }).click();
      await page.getByRole('dialog').waitFor();
      expect(
        await ask(
          page,
          `[...document.querySelector('dialog form').elements].filter((one) => one.tagName === 'INPUT')
            .map((one) => [one.name, one.autocomplete, one.value].join(' '))`,
        ),
      ).toEqual([
        `username username ${email}`,
        'currentPassword current-password ',
        'newPassword new-password ',
      ]);
      await page.context().close();
    });
  });

  it('a password can be shown, and is hidden again when it is sent', async () => {
    const page = await browsing.open('/login');
    const password = page.getByLabel('Password', { exact: true });
    await password.fill('secret');
    await page.getByRole('button', { name: 'Show password' }).click();
    expect(await password.getAttribute('type')).toBe('text');
    await page.getByLabel('Email address').fill(freshEmail());
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('The email address or the password is wrong.').waitFor();
    expect(await password.getAttribute('type')).toBe('password');
  });

  it('Caps Lock is told', async () => {
    const page = await browsing.open('/login');
    await page.getByLabel('Password', { exact: true }).focus();
    await ask(
      page,
      `document.activeElement.dispatchEvent(new KeyboardEvent('keydown', { key: 'A', modifierCapsLock: true, bubbles: true }))`,
    );
    await page.getByText('Caps Lock is on.').waitFor();
  });

  it('rules are ticked off while one types', async () => {
    const page = await browsing.open('/register');
    const kept = () => page.locator('[data-kept=true]').allInnerTexts();
    expect(await kept()).toEqual([]);
    await page.getByLabel('Password', { exact: true }).fill('abc 1');
    expect((await kept()).map((text) => text.replace(/\s*\(done\)/, ''))).toEqual([
      'a letter',
      'a digit',
      'a special character',
    ]);
    await page.getByText('Strength: very weak').waitFor();
    await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
    await page.getByText('Strength: strong').waitFor();
  });

  it('nothing moves for those who asked for that', async () => {
    const page = await browsing.open('/login', { reducedMotion: 'reduce' });
    expect(await ask(page, `getComputedStyle(document.querySelector('button')).transitionDuration`)).toBe(
      '0s',
    );
  });
});
