import type { Page } from 'playwright-core';
import { PASSWORD, verified } from '../support/actors';
import { ask, Browsing, heading } from './support/browsing';

describe('when something does not work', () => {
  let browsing: Browsing;

  beforeAll(async () => {
    browsing = await Browsing.start();
  });
  afterEach(() => browsing.assertNoTrouble());
  afterAll(() => browsing.close());

  const answer = (
    page: Page,
    path: string,
    status: number,
    code: string,
    headers: Record<string, string> = {},
  ) =>
    page.route(`**${path}`, (route) =>
      route.fulfill({
        status,
        headers: { 'Content-Type': 'application/problem+json', ...headers },
        body: JSON.stringify({
          type: 'about:blank',
          title: code,
          status,
          detail: code,
          instance: path,
          code,
          requestId: 'x',
        }),
      }),
    );
  const login = async (page: Page, password = PASSWORD) => {
    await page.getByLabel('Email address').fill('somebody@example.org');
    await page.getByLabel('Password', { exact: true }).fill(password);
    await page.getByRole('button', { name: 'Sign in' }).click();
  };

  it('a wrong password is said, and what was entered stays', async () => {
    const page = await browsing.open('/login');
    await login(page);
    await page.getByRole('alert').getByText('The email address or the password is wrong.').waitFor();
    expect(await page.getByLabel('Email address').inputValue()).toBe('somebody@example.org');
  });

  it('an empty field is said without asking the service', async () => {
    const page = await browsing.open('/login');
    const asked: string[] = [];
    page.on('request', (request) => request.method() === 'POST' && asked.push(request.url()));
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('Enter your email address.', { exact: true }).waitFor();
    expect(await page.locator('.problem').innerText()).toContain('2 things are not right yet');
    expect(await ask(page, 'document.activeElement.name')).toBe('email');
    expect(asked).toEqual([]);
    await page.getByLabel('Email address').fill('a');
    expect(await page.getByLabel('Email address').getAttribute('aria-invalid')).toBeNull();
  });

  it('429 counts the wait down, and the button waits as well', async () => {
    const page = await browsing.open('/login');
    await answer(page, '/api/auth/login', 429, 'too_many_requests', { 'Retry-After': '3' });
    await login(page);
    await page.getByText('That was too often in a short time.').waitFor();
    const button = page.getByRole('button', { name: 'Sign in' });
    expect(await button.getAttribute('aria-disabled')).toBe('true');
    expect(await page.locator('.problem').innerText()).toMatch(/0:0[123]/);
    // For those who listen, once and in words.
    expect(await page.locator('.problem').textContent()).toContain('Try again in 3 seconds.');
    const asked: string[] = [];
    page.on('request', (request) => request.method() === 'POST' && asked.push(request.url()));
    await button.dispatchEvent('click');
    await page.waitForTimeout(200);
    expect(asked).toEqual([]);
    await page.getByText('You can try again now.').waitFor();
    expect(await button.getAttribute('aria-disabled')).toBe('false');
  });

  it.each([
    [503, 'unavailable', 'The service is not available at the moment.'],
    [503, 'overloaded', 'The service is very busy.'],
    [500, 'internal_error', 'Something went wrong on our side.'],
    [403, 'csrf_failed', 'The service could not tell that this came from you.'],
    [403, 'account_disabled', 'This account is disabled.'],
    [418, 'a_code_of_tomorrow', 'That did not work.'],
  ])('%i %s is said in words', async (status, code, text) => {
    const page = await browsing.open('/login');
    await answer(page, '/api/auth/login', status, code);
    await login(page);
    await page.getByRole('alert').getByText(text).waitFor();
  });

  it('409: an address that is taken', async () => {
    const { email } = await verified(browsing.app);
    const page = await browsing.open('/register');
    await page.getByLabel('Email address').fill(email);
    await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
    await page.getByRole('button', { name: 'Create account' }).click();
    await page.getByText('There is an account with this email address already.').waitFor();
  });

  it('what a proxy says instead of the service is no riddle', async () => {
    const page = await browsing.open('/login');
    await page.route('**/api/auth/login', (route) =>
      route.fulfill({ status: 502, body: '<html>Bad gateway</html>' }),
    );
    await login(page);
    await page.getByText('The service is not available at the moment.').waitFor();
  });

  it('a service that cannot be reached has a page, which tries again', async () => {
    const { page } = await browsing.signedIn();
    await page.getByText('this device').waitFor();
    await page.route('**/api/**', (route) => route.abort());
    await page.reload();
    await heading(page, 'Not available at the moment');
    await page.getByText('The service could not be reached.').waitFor();
    await page.unroute('**/api/**');
    await page.getByRole('button', { name: 'Try again' }).click();
    await heading(page, 'Your account');
  });

  it('a part that cannot be loaded does not take the page with it', async () => {
    const { page } = await browsing.signedIn();
    await answer(page, '/api/auth/activity*', 500, 'internal_error');
    await page.reload();
    await page.getByText('Something went wrong on our side.').waitFor();
    await page.getByText('this device').waitFor();
    await page.unroute('**/api/auth/activity*');
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByText('Account created').waitFor();
  });

  it('offline is said, and what was entered is not lost', async () => {
    const { page } = await browsing.signedIn('/tasks');
    await page.getByLabel('Title').fill('On the train');
    await page.context().setOffline(true);
    await page.getByText('You are offline. What you see may be out of date').waitFor();
    await page.getByRole('button', { name: 'Add task' }).click();
    await page.getByText('You are offline. Please try again when you are connected.').waitFor();
    await page.context().setOffline(false);
    await page.getByText('You are offline. What you see').waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Add task' }).click();
    await page.getByText('“On the train” is added.').waitFor();
  });

  it('a task that cannot be changed is as it was', async () => {
    const { page } = await browsing.signedIn('/tasks');
    await page.getByLabel('Title').fill('Stubborn');
    await page.getByRole('button', { name: 'Add task' }).click();
    await page.getByText('“Stubborn” is added.').waitFor();
    await answer(page, '/api/users/*/tasks/*', 503, 'unavailable');
    await page.getByRole('checkbox').click();
    await page.getByText('The service is not available at the moment.').waitFor();
    expect(await page.getByRole('checkbox').isChecked()).toBe(false);
  });

  it('what is added before the list has come is there when it comes', async () => {
    const { page } = await browsing.signedIn('/tasks');
    let release = () => {};
    const released = new Promise<void>((resolve) => (release = resolve));
    await page.route('**/api/users/*/tasks*', async (route) => {
      if (route.request().method() !== 'GET') return route.continue();
      const before = await route.fetch();
      await released;
      return route.fulfill({ response: before });
    });
    await page.reload();
    await page.getByLabel('Title').fill('Quick');
    await page.getByRole('button', { name: 'Add task' }).click();
    await page.getByText('“Quick” is added.').waitFor();
    const listed = page.waitForResponse('**/api/users/*/tasks*');
    release();
    await listed;
    await page.getByRole('checkbox', { name: 'Quick' }).check();
    expect(await page.getByRole('checkbox').count()).toBe(1);
  });

  it('an address that is nowhere has a page', async () => {
    const page = await browsing.open('/nowhere');
    await heading(page, 'There is no such page');
    await page.getByRole('link', { name: 'Go to the start page' }).click();
    await heading(page, 'Gatehouse');
  });

  it.each(['/verify-email', '/confirm-email', '/not-me', '/reset-password'])(
    '%s without its token says so, with a broken one too, and reloads for another',
    async (path) => {
      const page = await browsing.open(path);
      await heading(page, 'Open the link again');
      await page.goto(`${path}#token=${'x'.repeat(43)}`);
      await page.locator('form').waitFor();
      expect(page.url()).not.toContain('#');
      const password = page.getByLabel('New password', { exact: true });
      if ((await password.count()) > 0) await password.fill(PASSWORD);
      await page.locator('button[type=submit]').click();
      await heading(page, 'This link does not work');
    },
  );
});
