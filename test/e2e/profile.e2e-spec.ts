import { TestApp } from '../support/app';
import { loggedIn } from '../support/actors';

describe('profile', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await TestApp.start();
  });
  afterAll(() => app.close());

  const update = (body: unknown, token?: string) => app.http.put('/api/auth/profile', body, { token });

  describe('GET /api/auth/profile', () => {
    it('answers with the own account', async () => {
      const { token, id, email } = await loggedIn(app);
      const { status, body } = await app.http.get('/api/auth/profile', { token });
      expect(status).toBe(200);
      expect(body).toMatchObject({ id, email, name: null, emailVerified: true, isActive: true });
    });

    it('answers 401 once the account is gone, sessions and all', async () => {
      const { token, id } = await loggedIn(app);
      await app.database.query('DELETE FROM users WHERE id = $1', [id]);
      const { status, body } = await app.http.get('/api/auth/profile', { token });
      expect([status, body.code]).toEqual([401, 'session_revoked']);
    });
  });

  describe('PUT /api/auth/profile', () => {
    it('changes the name, and null removes it', async () => {
      const { token } = await loggedIn(app);
      expect((await update({ name: '  Ada Lovelace ' }, token)).body.name).toBe('Ada Lovelace');
      expect((await app.http.get('/api/auth/profile', { token })).body.name).toBe('Ada Lovelace');
      expect((await update({ name: null }, token)).body.name).toBeNull();
    });

    it.each([
      ['nothing', {}, 'name', 'required'],
      ['a number', { name: 7 }, 'name', 'not_a_string'],
      ['another address', { name: 'Ada', email: 'x@example.org' }, 'email', 'unknown_field'],
      ['its own verification', { name: 'Ada', emailVerified: true }, 'emailVerified', 'unknown_field'],
      ['NUL', { name: 'A\u0000da' }, 'name', 'invalid_characters'],
    ])('refuses %s', async (_, body, field, code) => {
      const { token } = await loggedIn(app);
      const answer = await update(body, token);
      expect(answer.status).toBe(400);
      expect(answer.body.errors).toContainEqual(expect.objectContaining({ field, code }));
    });

    it('changes nobody else', async () => {
      const [mine, yours] = [await loggedIn(app), await loggedIn(app)];
      await update({ name: 'Mine' }, mine.token);
      expect((await app.http.get('/api/auth/profile', { token: yours.token })).body.name).toBeNull();
    });

    it('answers 401 without a session', async () => {
      expect((await update({ name: 'Ada' })).status).toBe(401);
    });
  });
});
