import { ExpiredSessionsJob } from '../../src/sessions/expired-sessions.job';
import { MOST_SESSIONS_PER_USER } from '../../src/sessions/sessions.service';
import { ExpiredTokensJob } from '../../src/auth/tokens/expired-tokens.job';
import { TestApp } from '../support/app';
import { loggedIn, login, PASSWORD, unverified, verified } from '../support/actors';
import { DAY, MINUTE } from '../support/clock';

const FIREFOX = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0';

interface Device {
  id: string;
  current: boolean;
  device: string;
  lastUsedAt: string;
}

describe('devices', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await TestApp.start();
  });
  afterAll(() => app.close());

  const list = async (token: string) => (await app.http.get<Device[]>('/api/auth/sessions', { token })).body;
  const isAlive = async (token: string) =>
    (await app.http.get('/api/auth/profile', { token })).status === 200;
  const endAll = (body: unknown, token?: string) => app.http.post('/api/auth/logout-all', body, { token });
  const currentOf = async (token: string) => (await list(token)).find(({ current }) => current)!.id;

  describe('GET /api/auth/sessions', () => {
    it('lists the live sessions of the user with a readable device, and marks the current one', async () => {
      const actor = await verified(app);
      const { body } = await app.http.post<{ access_token: string }>(
        '/api/auth/login',
        { email: actor.email, password: PASSWORD },
        { headers: { 'User-Agent': FIREFOX } },
      );
      const second = await login(app, actor);
      const devices = await list(second.token);
      expect(devices).toHaveLength(2);
      expect(devices).toContainEqual({
        id: expect.any(String),
        current: false,
        transport: 'bearer',
        device: 'Firefox on Windows',
        ip: '127.0.0.1',
        userAgent: FIREFOX,
        createdAt: expect.any(String),
        lastUsedAt: expect.any(String),
        expiresAt: expect.any(String),
      });
      expect(devices.filter(({ current }) => current)).toHaveLength(1);
      expect(await isAlive(body.access_token)).toBe(true);
    });

    it('shows the last use, to the minute', async () => {
      const { token } = await loggedIn(app);
      const before = (await list(token))[0]!.lastUsedAt;
      app.clock.advance(2 * MINUTE);
      await isAlive(token);
      const after = (await list(token))[0]!.lastUsedAt;
      expect(Date.parse(after) - Date.parse(before)).toBeGreaterThanOrEqual(2 * MINUTE);
    });

    it('leaves out sessions that have ended and those of others', async () => {
      const actor = await loggedIn(app);
      const other = await login(app, actor);
      await loggedIn(app);
      await app.http.post('/api/auth/logout', undefined, { token: other.token });
      expect(await list(actor.token)).toHaveLength(1);
    });
  });

  describe('DELETE /api/auth/sessions/{id}', () => {
    it('ends the session at once, access token and refresh token', async () => {
      const actor = await loggedIn(app);
      const other = await login(app, actor);
      const id = await currentOf(other.token);
      expect(
        (await app.http.delete(`/api/auth/sessions/${id}`, undefined, { token: actor.token })).status,
      ).toBe(204);
      expect(await isAlive(other.token)).toBe(false);
      const refreshed = await app.http.post('/api/auth/refresh', { refresh_token: other.refreshToken });
      expect(refreshed.body.code).toBe('token_invalid');
      expect(await isAlive(actor.token)).toBe(true);
    });

    it("answers the same 404 to another user's session, an unknown id and no id at all", async () => {
      const [mine, yours] = [await loggedIn(app), await loggedIn(app)];
      const answers = [];
      for (const id of [await currentOf(yours.token), '019a5c1e-7c1b-7a63-b1a4-6d6f0a2f9c11', 'x', "'; --"]) {
        const { status, body } = await app.http.delete(
          `/api/auth/sessions/${encodeURIComponent(id)}`,
          undefined,
          {
            token: mine.token,
          },
        );
        answers.push(JSON.stringify([status, { ...body, requestId: '' }]));
      }
      expect(new Set(answers).size).toBe(1);
      expect(answers[0]).toContain('404');
      expect(await isAlive(yours.token)).toBe(true);
    });
  });

  describe('POST /api/auth/logout-all', () => {
    it('ends every session of the user, and nobody else', async () => {
      const [actor, stranger] = [await loggedIn(app), await loggedIn(app)];
      const others = [await login(app, actor), await login(app, actor)];
      const { status, body } = await endAll({}, actor.token);
      expect([status, body]).toEqual([200, { revoked: 3 }]);
      for (const { token } of [actor, ...others]) expect(await isAlive(token)).toBe(false);
      expect(await isAlive(stranger.token)).toBe(true);
    });

    it('spares the current one with exceptCurrent', async () => {
      const actor = await loggedIn(app);
      const other = await login(app, actor);
      expect((await endAll({ exceptCurrent: true }, actor.token)).body).toEqual({ revoked: 1 });
      expect(await isAlive(actor.token)).toBe(true);
      expect(await isAlive(other.token)).toBe(false);
    });

    it('works without a body and refuses nonsense in one', async () => {
      const actor = await loggedIn(app);
      expect((await endAll({ exceptCurrent: 'yes' }, actor.token)).status).toBe(400);
      expect((await endAll(undefined, actor.token)).status).toBe(200);
      expect((await endAll({})).status).toBe(401);
    });

    it('records each session that it ends', async () => {
      const actor = await loggedIn(app);
      await login(app, actor);
      await endAll({}, actor.token);
      const events = await app.database.query(
        `SELECT DISTINCT session_id FROM audit_events WHERE user_id = $1 AND action = 'session.revoked'`,
        [actor.id],
      );
      expect(events).toHaveLength(2);
    });
  });

  describe('a recent login', () => {
    it('is needed 5 minutes after the login, or the password in the request', async () => {
      const actor = await loggedIn(app);
      const other = await currentOf((await login(app, actor)).token);
      app.clock.advance(5 * MINUTE + 1000);
      const end = (body?: unknown) =>
        app.http.delete(`/api/auth/sessions/${other}`, body, { token: actor.token });
      expect((await end()).body.code).toBe('recent_login_required');
      expect((await end({ password: 'wrong horse 7 battery!' })).body.code).toBe('password_incorrect');
      expect((await endAll({ exceptCurrent: true }, actor.token)).status).toBe(403);
      expect((await end({ password: PASSWORD })).status).toBe(204);
      expect((await endAll({ exceptCurrent: true, password: PASSWORD }, actor.token)).status).toBe(200);
    });
  });

  describe('the number of sessions', () => {
    it('is capped, under parallel logins too: the oldest go', async () => {
      const actor = await loggedIn(app);
      await app.database.query(
        `INSERT INTO sessions (id, user_id, transport, secret_hash, ip, created_at, last_used_at, authenticated_at, expires_at)
         SELECT gen_random_uuid(), $1, 'bearer', '\\x00', '127.0.0.1', now(), now(), now(), now() + interval '5 days'
         FROM generate_series(1, $2::int - 1)`,
        [actor.id, MOST_SESSIONS_PER_USER],
      );
      await Promise.all(Array.from({ length: 10 }, () => login(app, actor)));
      const rows = await app.database.query(
        'SELECT 1 FROM sessions WHERE user_id = $1 AND revoked_at IS NULL',
        [actor.id],
      );
      expect(rows).toHaveLength(MOST_SESSIONS_PER_USER);
    });
  });

  describe('housekeeping', () => {
    it('deletes sessions and tokens a day after their end, and no others', async () => {
      const gone = await loggedIn(app);
      await unverified(app);
      await app.http.post('/api/auth/logout', undefined, { token: gone.token });
      const stale = await verified(app);
      await login(app, stale);
      app.clock.advance(2 * DAY);
      const young = await loggedIn(app);
      const count = async (table: string) =>
        Number((await app.database.query<{ n: string }>(`SELECT count(*) AS n FROM ${table}`))[0]!.n);
      await app.nest.get(ExpiredSessionsJob).run();
      await app.nest.get(ExpiredTokensJob).run();
      const left = await app.database.query<{ user_id: string }>('SELECT user_id FROM sessions');
      const owners = left.map(({ user_id }) => user_id);
      expect(owners).toEqual(expect.arrayContaining([young.id, stale.id]));
      expect(owners).not.toContain(gone.id);
      expect(await count('verification_tokens')).toBe(1);
      app.clock.advance(9 * DAY);
      await app.nest.get(ExpiredSessionsJob).run();
      expect(await count('sessions')).toBe(0);
    });

    it('works in batches, past rows that somebody holds', async () => {
      const actor = await verified(app);
      await app.database.query(
        `INSERT INTO sessions (id, user_id, transport, secret_hash, ip, created_at, last_used_at, authenticated_at, expires_at)
         SELECT gen_random_uuid(), $1, 'bearer', '\\x00', '127.0.0.1', now(), now(), now(), '2020-01-01'
         FROM generate_series(1, 2500)`,
        [actor.id],
      );
      await app.nest.get(ExpiredSessionsJob).run();
      expect(await app.database.query('SELECT 1 FROM sessions WHERE user_id = $1', [actor.id])).toHaveLength(
        0,
      );
    });
  });
});
