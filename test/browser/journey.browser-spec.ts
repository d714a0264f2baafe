import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { freshEmail, PASSWORD } from '../support/actors';
import { ask, Browsing, heading, pathOf, signIn } from './support/browsing';

const NEW_PASSWORD = 'another horse 8 battery!';

/** One person from the first visit to the last, in the order of the steps. */
describe('the journey of an account', () => {
  const email = freshEmail();
  const moved = freshEmail();
  let browsing: Browsing;
  let page: Page;

  beforeAll(async () => {
    browsing = await Browsing.start();
    page = await browsing.open('/');
  });
  afterEach(() => browsing.assertNoTrouble());
  afterAll(() => browsing.close());

  const letter = (to: string, count: number) => browsing.app.mailbox.waitFor(to, count);
  const press = (name: string) => page.getByRole('button', { name, exact: true }).click();
  const dialog = () => page.getByRole('dialog');

  it('begins at the start page', async () => {
    await page.getByRole('link', { name: 'Create an account' }).click();
    await heading(page, 'Create an account');
    expect(pathOf(page)).toBe('/register');
  });

  it('names what is wrong at the field, and moves the focus there', async () => {
    await page.getByLabel('Email address').fill('nobody');
    await page.getByLabel('Password', { exact: true }).fill('short');
    await press('Create account');
    await page.getByText('Enter an email address such as').first().waitFor();
    expect(await ask(page, 'document.activeElement.name')).toBe('email');
    expect(await page.getByRole('alert').filter({ hasText: 'not right yet' }).count()).toBe(1);
    expect(await page.getByLabel('Email address').getAttribute('aria-invalid')).toBe('true');

    await page.getByLabel('Email address').fill(email);
    await press('Create account');
    await page.getByText('Password must have at least 8 characters.').waitFor();
    expect(await ask(page, 'document.activeElement.name')).toBe('password');
    const described = await page.getByLabel('Password', { exact: true }).getAttribute('aria-describedby');
    const texts = await ask<string>(
      page,
      `'${described}'.split(' ').map((id) => document.getElementById(id).innerText).join()`,
    );
    expect(texts).toContain('must contain a digit');
    expect(texts).toContain('8 characters or more');
  });

  it('registers, and a letter comes', async () => {
    await page.getByLabel('Name').fill('Ada Lovelace');
    await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
    await press('Create account');
    await heading(page, 'Check your mail');
    await page.getByText(email).waitFor();
  });

  it('cannot sign in before the address is verified, and may ask for the letter again', async () => {
    await page.getByRole('link', { name: 'Go to sign in' }).click();
    await page.getByLabel('Email address').fill(email);
    await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
    await press('Sign in');
    await page.getByText('Your email address is not verified yet').waitFor();
    await letter(email, 1);
    await press('Send the letter again');
    await page.getByText('A new letter is on its way').waitFor();
    await letter(email, 2);
  });

  it('verifies by a click, and the token is nowhere by then', async () => {
    const { token, ...rest } = await letter(email, 2);
    await browsing.follow(page, { token, ...rest });
    await heading(page, 'Verify your email address');
    expect(pathOf(page)).toBe('/verify-email');
    expect(await ask(page, 'document.title + document.documentElement.outerHTML')).not.toContain(token);
    await page.goto('/');
    await page.goBack();
    await heading(page, 'Open the link again');
    await browsing.follow(page, { token, ...rest });
    await press('Verify my address');
    await heading(page, 'Your address is verified');
    expect(await ask(page, 'document.activeElement.tagName')).toBe('H1');
    await page.getByRole('link', { name: 'Sign in' }).click();
  });

  it('signs in', async () => {
    await signIn(page, email);
    await heading(page, 'Your account');
    expect(pathOf(page)).toBe('/account');
    expect(await ask(page, 'document.title')).toBe('Your account · Gatehouse');
  });

  it('changes the name', async () => {
    await page.getByLabel('Name').fill('Ada King');
    await press('Save name');
    await page.getByText('Saved.').waitFor();
    await page.reload();
    await page.getByLabel('Name').waitFor();
    expect(await page.getByLabel('Name').inputValue()).toBe('Ada King');
  });

  it('keeps tasks: adds, edits, completes, deletes', async () => {
    await page.getByRole('link', { name: 'Tasks' }).click();
    await heading(page, 'Tasks');
    for (const title of ['Water the plants', 'Renew the certificate']) {
      await page.getByLabel('Title').fill(title);
      await press('Add task');
      await page.getByText(`“${title}” is added.`).waitFor();
      expect(await ask(page, 'document.activeElement.name + document.activeElement.value')).toBe('title');
    }
    await press('Edit Water the plants');
    await dialog().getByLabel('Title').fill('Water the cactus');
    await dialog().getByLabel('Description').fill('Not\ntoo much');
    await dialog().getByRole('button', { name: 'Save' }).click();
    await dialog().waitFor({ state: 'detached' });
    await page.getByRole('checkbox', { name: 'Water the cactus' }).check();
    await press('Delete Renew the certificate');
    await dialog().getByRole('button', { name: 'Delete task' }).click();
    await page.getByText('“Renew the certificate” is deleted.').waitFor();

    await page.reload();
    await page.getByText('Water the cactus').waitFor();
    expect(await page.getByRole('checkbox').count()).toBe(1);
    expect(await page.getByRole('checkbox').isChecked()).toBe(true);
  });

  it('shows more tasks page by page', async () => {
    for (let count = 1; count <= 22; count++) {
      await page.getByLabel('Title').fill(`Task ${count}`);
      await press('Add task');
      await page.getByText(`“Task ${count}” is added.`).waitFor();
    }
    await page.reload();
    await page.getByText('Task 22').waitFor();
    expect(await page.getByRole('checkbox').count()).toBe(20);
    await press('Show more');
    await page.getByText('Water the cactus').waitFor();
    expect(await page.getByRole('checkbox').count()).toBe(23);
    expect(await ask(page, 'document.activeElement.innerText')).toContain('Task 2');
  });

  it('changes the password', async () => {
    await page.goto('/.well-known/change-password');
    await heading(page, 'Your account');
    await dialog().getByLabel('Current password', { exact: true }).fill('wrong');
    await dialog().getByLabel('New password', { exact: true }).fill(NEW_PASSWORD);
    await dialog().getByRole('button', { name: 'Change password' }).click();
    await dialog().getByText('The current password is wrong.').waitFor();
    await dialog().getByLabel('Current password', { exact: true }).fill(PASSWORD);
    await dialog().getByRole('button', { name: 'Change password' }).click();
    await page.getByText('Your password is changed.').waitFor();
  });

  it('moves to another address by the link that goes there', async () => {
    await press('Change address');
    await dialog().getByLabel('New email address').fill(moved);
    await dialog().getByLabel('Password', { exact: true }).fill(NEW_PASSWORD);
    await dialog().getByRole('button', { name: 'Send the link' }).click();
    await page.getByText(`on its way to ${moved}`).waitFor();
    await browsing.follow(page, await letter(moved, 1));
    await press('Confirm this address');
    await heading(page, 'Your new address is confirmed');
    await page.goto('/account');
    await page.getByText(moved, { exact: true }).waitFor();
  });

  it('sees another device, and signs it out', async () => {
    const phone = await browsing.open('/tasks', {
      userAgent:
        'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile/15E148 Safari/604.1',
    });
    await signIn(phone, moved, NEW_PASSWORD);
    await phone.getByText('Water the cactus').or(phone.getByText('Task 22')).first().waitFor();
    await page.reload();
    await page.getByText('Safari on iOS').first().waitFor();
    await page.getByRole('button', { name: /^Sign out Safari on iOS/ }).click();
    await dialog().getByRole('button', { name: 'Sign out' }).click();
    await page.getByText('Safari on iOS is signed out.').waitFor();

    await phone.getByRole('button', { name: 'Edit Task 22' }).click();
    await phone.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
    await heading(phone, 'Sign in');
    await phone.getByText('Your session has ended.').waitFor();
    expect(pathOf(phone)).toBe('/login?to=%2Ftasks');
    await phone.context().close();
  });

  it('asks for the password again where that is too long ago', async () => {
    browsing.app.clock.advance(6 * 60_000);
    await press('Sign out everywhere else');
    await dialog().getByRole('button', { name: 'Sign out the others' }).click();
    await dialog().getByText('Please enter your password again for this.').waitFor();
    expect(await ask(page, 'document.activeElement.type')).toBe('password');
    await dialog().getByLabel('Password', { exact: true }).fill(NEW_PASSWORD);
    await dialog().getByRole('button', { name: 'Sign out the others' }).click();
    await page.getByText('0 devices are signed out.').waitFor();
  });

  it('downloads its data, after the password again', async () => {
    await press('Download my data');
    await dialog().getByRole('button', { name: 'Download' }).click();
    await dialog().getByLabel('Password', { exact: true }).fill(NEW_PASSWORD);
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      dialog().getByRole('button', { name: 'Download' }).click(),
    ]);
    expect(download.suggestedFilename()).toMatch(/^account-\d{4}-\d\d-\d\d\.json$/);
    const { account } = JSON.parse(readFileSync(await download.path(), 'utf8')) as {
      account: { email: string };
    };
    expect(account.email).toBe(moved);
    await page.getByText('Your data is downloaded.').waitFor();
    await page.reload();
    await page.getByText('this device').waitFor();
    // The session that asked has taken the place of the one before.
    expect(await page.getByRole('button', { name: /^Sign out Chrome/ }).count()).toBe(0);
  });

  it('sees what happened', async () => {
    await page.getByText(/^Data downloaded/).waitFor();
    const rows = () => page.locator('ol > li').count();
    const before = await rows();
    await press('Show earlier');
    await page.locator('ol > li').nth(before).waitFor();
    expect(
      await ask(page, '[...document.activeElement.parentElement.children].indexOf(document.activeElement)'),
    ).toBe(before);
    await page.getByText('Email address changed', { exact: true }).waitFor();
  });

  it('signs out', async () => {
    await press('Sign out');
    await heading(page, 'Sign in');
    await page.getByText('You are signed out.').waitFor();
    expect(pathOf(page)).toBe('/login');
    expect((await page.context().cookies()).filter(({ name }) => name === 'session')).toEqual([]);
  });

  it('forgets the password, and sets a new one by the link', async () => {
    const before = browsing.app.mailbox.to(moved).length;
    await page.getByRole('link', { name: 'Forgot your password?' }).click();
    await page.getByLabel('Email address').fill(moved);
    await press('Send the link');
    await heading(page, 'Check your mail');
    await browsing.follow(page, await letter(moved, before + 1));
    await page.getByLabel('New password', { exact: true }).fill('12345678');
    await press('Set new password');
    await page.getByText('New password must contain a letter.').waitFor();
    await page.getByLabel('New password', { exact: true }).fill(PASSWORD);
    await press('Set new password');
    await heading(page, 'Your new password is set');
  });

  it('secures the account by the button of the notice', async () => {
    const letters = () =>
      browsing.app.mailbox.to(moved).filter(({ subject }) => subject === 'Your password was reset');
    for (let tries = 0; letters().length === 0 && tries < 100; tries++) await page.waitForTimeout(100);
    await browsing.follow(page, letters()[0]!);
    await press('Secure my account');
    await heading(page, 'Your account is secured');
    const chosen = () =>
      browsing.app.mailbox.to(moved).filter(({ subject }) => subject === 'Choose a new password');
    for (let tries = 0; chosen().length < 2 && tries < 100; tries++) await page.waitForTimeout(100);
    await browsing.follow(page, chosen().at(-1)!);
    await page.getByLabel('New password', { exact: true }).fill(NEW_PASSWORD);
    await press('Set new password');
    await heading(page, 'Your new password is set');
    await page.goto('/not-me#token=cut-off');
    await press('Secure my account');
    await heading(page, 'This link does not work');
  });

  it('ends by deleting the account', async () => {
    await page.goto('/account');
    await signIn(page, moved, NEW_PASSWORD);
    await press('Delete my account');
    await dialog().getByLabel('Password', { exact: true }).fill('wrong');
    await dialog().getByRole('button', { name: 'Delete for good' }).click();
    await dialog().getByText('The password is wrong.').waitFor();
    await dialog().getByLabel('Password', { exact: true }).fill(NEW_PASSWORD);
    await dialog().getByRole('button', { name: 'Delete for good' }).click();
    await page.getByText('Your account and everything in it is deleted.').waitFor();
    expect(await browsing.app.database.query('SELECT 1 FROM users WHERE email = $1', [moved])).toEqual([]);
  });
});

describe('where no verification is wanted', () => {
  it('registering signs in, with one session', async () => {
    const browsing = await Browsing.start({ EMAIL_VERIFICATION: 'off', PASSWORD_POLICY: 'nist' });
    const page = await browsing.open('/register?to=%2Ftasks');
    await page.getByLabel('Email address').fill(freshEmail());
    expect(await page.getByText('15 characters or more').count()).toBe(1);
    await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
    await page.getByRole('button', { name: 'Create account' }).click();
    await heading(page, 'Tasks');
    await page.goto('/account');
    await page.getByText('this device').waitFor();
    expect(await page.getByRole('button', { name: /^Sign out Chrome/ }).count()).toBe(0);
    browsing.assertNoTrouble();
    await browsing.close();
  });
});
