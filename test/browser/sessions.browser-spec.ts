import { verified } from '../support/actors';
import { MINUTE } from '../support/clock';
import { ask, Browsing, heading, pathOf, signIn } from './support/browsing';

describe('sessions in the pages', () => {
  let browsing: Browsing;

  beforeAll(async () => {
    browsing = await Browsing.start({ SESSION_TTL: '20m' });
  });
  afterEach(() => browsing.assertNoTrouble());
  afterAll(() => browsing.close());

  it('a page for people who are signed in is remembered while one signs in', async () => {
    const { page } = await browsing.signedIn('/tasks?from=mail#top');
    await heading(page, 'Tasks');
    expect(pathOf(page)).toBe('/tasks?from=mail#top');
    await page.goBack();
    expect(pathOf(page)).not.toContain('/login');
  });

  it.each(['//evil.example', '/%5Cevil.example', 'https://evil.example', '/login', 'javascript:alert(1)'])(
    '?to=%s leads to the account',
    async (to) => {
      const { page } = await browsing.signedIn(`/login?${new URLSearchParams({ to })}`);
      await heading(page, 'Your account');
      expect(pathOf(page)).toBe('/account');
    },
  );

  it.each([
    ['/', '/account'],
    ['/login', '/account'],
    ['/register', '/account'],
    ['/login?to=%2Ftasks', '/tasks'],
  ])('those who are signed in go on from %s to %s', async (from, to) => {
    const { page } = await browsing.signedIn();
    await page.goto(from);
    await page.waitForURL(`**${to}`);
  });

  it('signing out in one tab signs the other out', async () => {
    const { page, email } = await browsing.signedIn('/account');
    const other = await page.context().newPage();
    await other.goto('/tasks');
    await heading(other, 'Tasks');
    await page.getByRole('button', { name: 'Sign out', exact: true }).click();
    await heading(other, 'Sign in');
    await other.getByText('You signed out in another tab.').waitFor();
    expect(pathOf(other)).toBe('/login?to=%2Ftasks');

    await heading(page, 'Sign in');
    await signIn(page, email);
    // And signing in signs it in again, where it was.
    await heading(other, 'Tasks');
  });

  it('nothing of one person stays in a tab when somebody else signs in in another', async () => {
    const { page } = await browsing.signedIn('/tasks');
    await page.getByLabel('Title').fill('My secret');
    await page.getByRole('button', { name: 'Add task' }).click();
    await page.getByText('“My secret” is added.').waitFor();

    const second = await verified(browsing.app);
    const other = await page.context().newPage();
    await other.goto('/nowhere');
    // As the client does it for a login.
    const body = JSON.stringify({ email: second.email, password: second.password, transport: 'cookie' });
    await ask(
      other,
      `fetch('/api/auth/login', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '${body}' })
        .then((answer) => answer.json())
        .then(({ expiresAt }) => new BroadcastChannel('gatehouse:cookie:' + location.origin)
          .postMessage({ event: 'started', expiresAt: Date.parse(expiresAt) }))`,
    );
    await page.getByText('Nothing to do.').waitFor();
    expect(await ask(page, 'document.body.innerText')).not.toContain('My secret');
  });

  it('before the end there is a notice, and one may stay', async () => {
    const { email } = await verified(browsing.app);
    const context = await browsing.device();
    const page = await context.newPage();
    await page.clock.install();
    await page.goto('/account');
    await signIn(page, email);
    await heading(page, 'Your account');

    browsing.app.clock.advance(18.5 * MINUTE);
    await page.clock.fastForward(18.5 * MINUTE);
    await page.getByText('You will be signed out soon.').waitFor();
    expect(await page.getByRole('alert').filter({ hasText: 'signed out soon' }).innerText()).toMatch(
      /In 1:[23]\d\./,
    );
    await page.getByRole('button', { name: 'Stay signed in' }).click();
    await page.getByText('You will be signed out soon.').waitFor({ state: 'detached' });

    // Beyond what would have been the end.
    browsing.app.clock.advance(5 * MINUTE);
    await page.clock.fastForward(5 * MINUTE);
    await page.reload();
    await heading(page, 'Your account');
  });

  it('when the session has ended the login page says so, and leads back', async () => {
    const fresh = await Browsing.start({ SESSION_TTL: '20m' });
    const { email } = await verified(fresh.app);
    const page = await (await fresh.device()).newPage();
    await page.clock.install();
    await page.goto('/tasks');
    await signIn(page, email);
    await heading(page, 'Tasks');

    fresh.app.clock.advance(21 * MINUTE);
    await page.clock.fastForward(21 * MINUTE);
    await page.clock.runFor(5_000);
    await heading(page, 'Sign in');
    await page.getByText('Your session has ended. Sign in to go on where you were.').waitFor();
    expect(pathOf(page)).toBe('/login?to=%2Ftasks');
    await signIn(page, email);
    await heading(page, 'Tasks');
    fresh.assertNoTrouble();
    await fresh.close();
  });

  it('keeps nothing in the browser that opens the account', async () => {
    const { page } = await browsing.signedIn();
    await page.getByText('this device').first().waitFor();
    expect(await ask(page, 'document.cookie')).toBe('');
    expect(await ask(page, 'JSON.stringify({ ...localStorage, ...sessionStorage })')).toBe(
      '{"signed-in":"yes"}',
    );
    const cookie = (await page.context().cookies()).find(({ name }) => name === 'session');
    expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Lax', path: '/' });
  });
});
