import { TestApp } from '../support/app';
import { loggedIn, login, PASSWORD, verified } from '../support/actors';

describe('deletion', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await TestApp.start();
  });
  afterAll(() => app.close());

  const remove = (token: string, body: unknown = { password: PASSWORD }) =>
    app.http.delete('/api/auth/profile', body, { token });

  describe('DELETE /api/auth/profile', () => {
    it('removes everything of the user at once, but audit events with the id', async () => {
      const actor = await loggedIn(app);
      await app.http.put('/api/auth/profile', { name: 'Unmistakable Name' }, { token: actor.token });
      await app.http.post('/api/auth/reset-request', { email: actor.email });
      await app.http.post(`/api/users/${actor.id}/tasks`, { title: 'Unmistakable' }, { token: actor.token });
      await app.http.post(
        '/api/auth/change-email',
        { email: `new-${actor.email}`, password: PASSWORD },
        { token: actor.token },
      );
      await app.mailbox.waitFor(`new-${actor.email}`);
      expect((await remove(actor.token)).status).toBe(204);
      const [row] = await app.database.query<{ all: string }>(
        `SELECT concat((SELECT json_agg(t) FROM users t), (SELECT json_agg(t) FROM sessions t),
           (SELECT json_agg(t) FROM verification_tokens t), (SELECT json_agg(t) FROM reset_tokens t),
           (SELECT json_agg(t) FROM security_notices t), (SELECT json_agg(t) FROM tasks t), (SELECT json_agg(t) FROM pgboss.job t)) AS all`,
      );
      for (const trace of [actor.id, actor.email, 'Unmistakable']) expect(row!.all).not.toContain(trace);
      const events = await app.database.query<{ action: string }>(
        'SELECT action FROM audit_events WHERE user_id = $1',
        [actor.id],
      );
      expect(events.map(({ action }) => action)).toContain('account.deleted');
      const traces = await app.database.query(
        'SELECT 1 FROM audit_events WHERE user_id = $1 AND (ip IS NOT NULL OR user_agent IS NOT NULL)',
        [actor.id],
      );
      expect(traces).toEqual([]);
    });

    it('ends every credential at once, and the address can register anew', async () => {
      const actor = await loggedIn(app);
      const other = await login(app, actor);
      await remove(actor.token);
      for (const token of [actor.token, other.token])
        expect((await app.http.get('/api/auth/profile', { token })).body.code).toBe('session_revoked');
      expect((await app.http.post('/api/auth/refresh', { refresh_token: other.refreshToken })).status).toBe(
        401,
      );
      const { email, password } = actor;
      expect((await app.http.post('/api/auth/login', { email, password })).body.code).toBe(
        'invalid_credentials',
      );
      const { status } = await app.http.post('/api/auth/register', {
        email: actor.email,
        password: PASSWORD,
      });
      expect(status).toBe(201);
    });

    it('needs the right password', async () => {
      const actor = await loggedIn(app);
      expect((await remove(actor.token, { password: 'wrong horse 7 battery!' })).body.code).toBe(
        'password_incorrect',
      );
      expect((await remove(actor.token, {})).body.code).toBe('validation_failed');
      expect((await app.http.delete('/api/auth/profile', { password: PASSWORD })).status).toBe(401);
      expect((await app.http.get('/api/auth/profile', { token: actor.token })).status).toBe(200);
    });

    it('never meets a login or refresh half-way', async () => {
      for (let round = 0; round < 5; round++) {
        const actor = await loggedIn(app);
        const answers = await Promise.all([
          remove(actor.token),
          ...Array.from({ length: 10 }, () =>
            app.http.post('/api/auth/login', { email: actor.email, password: PASSWORD }),
          ),
          ...Array.from({ length: 10 }, () =>
            app.http.post('/api/auth/refresh', { refresh_token: actor.refreshToken }),
          ),
        ]);
        expect(answers.filter(({ status }) => status >= 500)).toEqual([]);
        const left = await app.database.query('SELECT 1 FROM sessions WHERE user_id = $1', [actor.id]);
        expect(left).toHaveLength(0);
      }
    });

    it('touches nobody else', async () => {
      const [gone, stays] = [await loggedIn(app), await loggedIn(app)];
      await remove(gone.token);
      expect((await app.http.get('/api/auth/profile', { token: stays.token })).status).toBe(200);
      await verified(app);
    });
  });
});
