import { TestApp } from '../support/app';
import { loggedIn, login } from '../support/actors';
import { MINUTE } from '../support/clock';

interface Export {
  account: Record<string, unknown>;
  sessions: Record<string, unknown>[];
  securityNotices: unknown[];
  tasks: { title: string; userId: string }[];
  securityEvents: { action: string; userId: string }[];
}

describe('export', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await TestApp.start();
  });
  afterAll(() => app.close());

  describe('GET /api/auth/export', () => {
    it('holds all that is stored about the user, and no secret', async () => {
      const actor = await loggedIn(app);
      await login(app, actor);
      for (const title of ['One', 'Two'])
        await app.http.post(`/api/users/${actor.id}/tasks`, { title }, { token: actor.token });
      const { status, headers, body } = await app.http.get<Export>('/api/auth/export', {
        token: actor.token,
      });
      expect(status).toBe(200);
      expect(headers.get('content-disposition')).toBe('attachment; filename="gatehouse-export.json"');
      expect(headers.get('cache-control')).toBe('no-store');
      expect(body.account).toMatchObject({ id: actor.id, email: actor.email });
      expect(body.sessions).toHaveLength(2);
      expect(body.tasks.map(({ title }) => title)).toEqual(['Two', 'One']);
      expect(body.securityEvents.map(({ action }) => action)).toEqual([
        'account.registered',
        'email.verified',
        'login.succeeded',
        'login.succeeded',
        'account.exported',
      ]);
      expect(JSON.stringify(body)).not.toMatch(/bcrypt|passwordHash|secretHash/);
    });

    it('streams a history of many pages whole, and nobody else in it', async () => {
      const actor = await loggedIn(app);
      await loggedIn(app);
      await app.database.query(
        `INSERT INTO audit_events (id, action, user_id, created_at, mac)
         SELECT gen_random_uuid(), 'login.failed', $1, now(), '' FROM generate_series(1, 1700)`,
        [actor.id],
      );
      const { body } = await app.http.get<Export>('/api/auth/export', { token: actor.token });
      expect(body.securityEvents).toHaveLength(1700 + 4);
      expect(new Set(body.securityEvents.map(({ userId }) => userId))).toEqual(new Set([actor.id]));
    });

    it('needs a recent login', async () => {
      const actor = await loggedIn(app);
      app.clock.advance(5 * MINUTE + 1000);
      const { status, body } = await app.http.get('/api/auth/export', { token: actor.token });
      expect([status, (body as unknown as { code: string }).code]).toEqual([403, 'recent_login_required']);
      expect((await app.http.get('/api/auth/export')).status).toBe(401);
    });
  });
});
