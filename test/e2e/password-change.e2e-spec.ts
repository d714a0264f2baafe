import { TestApp } from '../support/app';
import { loggedIn, login, PASSWORD, type LoggedIn } from '../support/actors';

const NEW_PASSWORD = 'another horse 8 battery!';

describe('password change', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await TestApp.start();
  });
  afterAll(() => app.close());

  const change = ({ token }: Pick<LoggedIn, 'token'>, currentPassword: unknown, newPassword: unknown) =>
    app.http.post<{ code: string; errors: { field: string; code: string }[] }>(
      '/api/auth/change-password',
      { currentPassword, newPassword },
      { token },
    );
  const isAlive = async (token: string) =>
    (await app.http.get('/api/auth/profile', { token })).status === 200;

  describe('POST /api/auth/change-password', () => {
    it('sets the new password, spares this session, ends the others and tells the owner', async () => {
      const actor = await loggedIn(app);
      const other = await login(app, actor);
      expect((await change(actor, PASSWORD, NEW_PASSWORD)).status).toBe(200);
      expect(await isAlive(actor.token)).toBe(true);
      expect(await isAlive(other.token)).toBe(false);
      await login(app, { ...actor, password: NEW_PASSWORD });
      const notice = await app.mailbox.waitFor(actor.email, 2);
      expect(notice.text).toContain('/not-me#token=');
    });

    it('refuses a wrong current password', async () => {
      const actor = await loggedIn(app);
      const { status, body } = await change(actor, 'wrong horse 7 battery!', NEW_PASSWORD);
      expect([status, body.code]).toEqual([403, 'password_incorrect']);
      await login(app, actor);
    });

    it('names every broken rule of the field newPassword', async () => {
      const actor = await loggedIn(app);
      const { status, body } = await change(actor, PASSWORD, 'short');
      expect(status).toBe(400);
      expect(body.errors.every(({ field }) => field === 'newPassword')).toBe(true);
      expect(body.errors.length).toBeGreaterThan(1);
    });

    it('lets one of 50 parallel changes win', async () => {
      const actor = await loggedIn(app);
      const passwords = Array.from({ length: 50 }, (_, number) => `horse battery ${number} staple!`);
      const answers = await Promise.all(passwords.map((next) => change(actor, PASSWORD, next)));
      const winners = passwords.filter((_, number) => answers[number]!.status === 200);
      expect(winners).toHaveLength(1);
      expect(answers.filter(({ status }) => status === 403)).toHaveLength(49);
      await login(app, { ...actor, password: winners[0]! });
    });

    it('kills mailed links for a new password', async () => {
      const actor = await loggedIn(app);
      await app.http.post('/api/auth/reset-request', { email: actor.email });
      const { token } = await app.mailbox.waitFor(actor.email, 2);
      await change(actor, PASSWORD, NEW_PASSWORD);
      const { body } = await app.http.post('/api/auth/reset-confirm', {
        token,
        password: 'third horse 9 battery!',
      });
      expect(body.code).toBe('token_invalid');
    });

    it('answers 401 without a session', async () => {
      expect((await app.http.post('/api/auth/change-password', {})).status).toBe(401);
    });
  });
});
