import { TestApp } from '../support/app';
import { freshEmail, loggedIn, login, PASSWORD, verified } from '../support/actors';
import { HOUR } from '../support/clock';

const FIREFOX = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0';
const CHROME =
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36';

describe('notices', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await TestApp.start();
  });
  afterAll(() => app.close());

  const notMe = (token: unknown) => app.http.post('/api/auth/not-me', { token });
  const loginFrom = (email: string, device: string) =>
    app.http.post<{ access_token: string }>(
      '/api/auth/login',
      { email, password: PASSWORD },
      { headers: { 'User-Agent': device } },
    );
  const emailOf = async (id: string) =>
    (await app.database.query<{ email: string }>('SELECT email FROM users WHERE id = $1', [id]))[0]!.email;
  const isAlive = async (token: string) =>
    (await app.http.get('/api/auth/profile', { token })).status === 200;

  describe('a login from a new device', () => {
    it('is told to the owner; the first login and known devices are not', async () => {
      const { email } = await verified(app);
      await loginFrom(email, FIREFOX);
      await loginFrom(email, FIREFOX);
      await loginFrom(email, CHROME);
      const letter = await app.mailbox.waitFor(email, 2);
      expect(letter.text).toContain('Chrome on macOS');
      await loginFrom(email, CHROME);
      await verified(app);
      expect(app.mailbox.to(email)).toHaveLength(2);
    });

    it('is not told under SECURITY_NOTICES=off', async () => {
      const quiet = await TestApp.start({ env: { SECURITY_NOTICES: 'off' } });
      const { email } = await verified(quiet);
      for (const device of [FIREFOX, CHROME])
        await quiet.http.post(
          '/api/auth/login',
          { email, password: PASSWORD },
          { headers: { 'User-Agent': device } },
        );
      await verified(quiet);
      expect(quiet.mailbox.to(email)).toHaveLength(1);
      await quiet.close();
    });
  });

  describe('POST /api/auth/not-me', () => {
    it('ends every session, voids links and mails one for a new password', async () => {
      const actor = await loggedIn(app);
      const thief = (await loginFrom(actor.email, FIREFOX)).body.access_token;
      const { token } = await app.mailbox.waitFor(actor.email, 2);
      const { status, body } = await notMe(token);
      expect([status, Object.keys(body)]).toEqual([200, ['message']]);
      expect(await isAlive(actor.token)).toBe(false);
      expect(await isAlive(thief)).toBe(false);
      const reset = await app.mailbox.waitFor(actor.email, 3);
      expect(reset.text).toContain('/reset-password#token=');
      const set = await app.http.post('/api/auth/reset-confirm', {
        token: reset.token,
        password: 'another horse 8 battery!',
      });
      expect(set.status).toBe(200);
    });

    it('is done once however often it is clicked', async () => {
      const actor = await loggedIn(app);
      await loginFrom(actor.email, FIREFOX);
      const { token } = await app.mailbox.waitFor(actor.email, 2);
      const answers = await Promise.all(Array.from({ length: 50 }, () => notMe(token)));
      expect(answers.every(({ status }) => status === 200)).toBe(true);
      const events = await app.database.query(
        `SELECT 1 FROM audit_events WHERE user_id = $1 AND action = 'account.reported'`,
        [actor.id],
      );
      expect(events).toHaveLength(1);
      const reset = await app.mailbox.waitFor(actor.email, 3);
      const password = 'another horse 8 battery!';
      await app.http.post('/api/auth/reset-confirm', { token: reset.token, password });
      const again = await login(app, { ...actor, password });
      await notMe(token);
      expect(await isAlive(again.token)).toBe(true);
    });

    it('stops a pending change of address', async () => {
      const actor = await loggedIn(app);
      const next = freshEmail();
      await app.http.post(
        '/api/auth/change-email',
        { email: next, password: PASSWORD },
        { token: actor.token },
      );
      const link = await app.mailbox.waitFor(next);
      const notice = await app.mailbox.waitFor(actor.email, 2);
      expect((await notMe(notice.token)).status).toBe(200);
      const { body } = await app.http.post('/api/auth/change-email/confirm', { token: link.token });
      expect(body.code).toBe('token_invalid');
      expect(await emailOf(actor.id)).toBe(actor.email);
    });

    it('takes a change of address back, and the link for a new password goes to the old address', async () => {
      const actor = await loggedIn(app);
      const thief = freshEmail();
      await app.http.post(
        '/api/auth/change-email',
        { email: thief, password: PASSWORD },
        { token: actor.token },
      );
      const link = await app.mailbox.waitFor(thief);
      await app.http.post('/api/auth/change-email/confirm', { token: link.token });
      const notice = await app.mailbox.waitFor(actor.email, 3);
      app.clock.advance(71 * HOUR);
      const changed =
        app.mailbox
          .to(actor.email)
          .find(({ subject, text }) => text.includes('72 hours') || /changed/i.test(subject)) ?? notice;
      expect((await notMe(changed.token)).status).toBe(200);
      expect(await emailOf(actor.id)).toBe(actor.email);
      const reset = await app.mailbox.waitFor(actor.email, 4);
      expect(reset.text).toContain('/reset-password#token=');
      expect(app.mailbox.to(thief)).toHaveLength(1);
    });

    it('locks the password, which somebody else may know, until a new one is set', async () => {
      const actor = await loggedIn(app);
      await loginFrom(actor.email, FIREFOX);
      await notMe((await app.mailbox.waitFor(actor.email, 2)).token);
      const { status, body } = await app.http.post('/api/auth/login', {
        email: actor.email,
        password: PASSWORD,
      });
      expect([status, body.code]).toEqual([401, 'invalid_credentials']);
    });

    it('takes a change of address back with an earlier letter too: the new link never goes to the thief', async () => {
      const actor = await loggedIn(app);
      await loginFrom(actor.email, FIREFOX);
      const earlier = await app.mailbox.waitFor(actor.email, 2);
      const thief = freshEmail();
      await app.http.post(
        '/api/auth/change-email',
        { email: thief, password: PASSWORD },
        { token: actor.token },
      );
      const link = await app.mailbox.waitFor(thief);
      await app.http.post('/api/auth/change-email/confirm', { token: link.token });
      expect((await notMe(earlier.token)).status).toBe(200);
      expect(await emailOf(actor.id)).toBe(actor.email);
      await app.mailbox.waitFor(actor.email, 5);
      expect(app.mailbox.to(actor.email).some(({ text }) => text.includes('/reset-password#token='))).toBe(
        true,
      );
      expect(app.mailbox.to(thief)).toHaveLength(1);
    });

    it('calls a device by no name that mail programs would make a link of', async () => {
      const { email } = await verified(app);
      await loginFrom(email, FIREFOX);
      await loginFrom(email, 'evil.example/1.0 x');
      const { text } = await app.mailbox.waitFor(email, 2);
      expect(text).not.toContain('evil.example');
      expect(text).toContain('evilexample');
    });

    it('leaves no session of a login that runs at the same time', async () => {
      for (let round = 0; round < 5; round++) {
        const actor = await loggedIn(app);
        await loginFrom(actor.email, FIREFOX);
        const { token } = await app.mailbox.waitFor(actor.email, 2);
        const logins = () => Array.from({ length: 10 }, () => loginFrom(actor.email, FIREFOX));
        await Promise.all([...logins(), notMe(token), ...logins()]);
        const live = 'SELECT 1 FROM sessions WHERE user_id = $1 AND revoked_at IS NULL';
        expect(await app.database.query(live, [actor.id])).toEqual([]);
      }
    });

    it('works for 72 hours', async () => {
      const actor = await loggedIn(app);
      await loginFrom(actor.email, FIREFOX);
      const { token } = await app.mailbox.waitFor(actor.email, 2);
      app.clock.advance(72 * HOUR + 1000);
      const { status, body } = await notMe(token);
      expect([status, body.code]).toEqual([400, 'token_expired']);
    });

    it('refuses what is no token of a notice', async () => {
      const { email } = await verified(app);
      const signUp = (await app.mailbox.waitFor(email)).token!;
      for (const token of ['', 'x', signUp, 'A'.repeat(64)])
        expect((await notMe(token)).body.code).toBe('token_invalid');
      for (const token of [null, 1, [signUp]])
        expect((await notMe(token)).body.code).toBe('validation_failed');
    });
  });
});
