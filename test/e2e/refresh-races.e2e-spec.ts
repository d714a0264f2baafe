import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { GatheringClient } from '../../src/database/gathering-client';
import { loggedIn } from '../support/actors';
import { TestApp } from '../support/app';

/** Most refreshes are one statement by itself. What may come between, or become of its connection, must not show. */
describe('a refresh', () => {
  let app: TestApp;
  let holder: Client;

  beforeAll(async () => {
    app = await TestApp.start();
    holder = new Client({ connectionString: app.database.url });
    await holder.connect();
  });
  afterEach(() => jest.restoreAllMocks());
  afterAll(async () => {
    await holder.end();
    await app.close();
  });

  const refresh = (token: string) =>
    app.http.post<{ access_token: string; refresh_token: string; code?: string }>('/api/auth/refresh', {
      refresh_token: token,
    });
  const sessionOf = async (userId: string) => {
    const rows = await app.database.query<{ generation: number; revoked: boolean }>(
      'SELECT generation, revoked_at IS NOT NULL AS revoked FROM sessions WHERE user_id = $1',
      [userId],
    );
    return rows[0];
  };
  const WAITING = `FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'gatehouse' AND wait_event_type = 'Lock'`;

  /** What comes of a refresh that begins while somebody holds its row, who then does something and commits. */
  async function during(token: string, userId: string, change: string, afterwards?: () => Promise<unknown>) {
    await holder.query('BEGIN');
    await holder.query(change, [userId]);
    const answer = refresh(token);
    while ((await app.database.query(`SELECT 1 ${WAITING}`)).length === 0) await sleep(5);
    await afterwards?.();
    await holder.query('COMMIT');
    return answer;
  }

  it('that waits for the end of its session is refused', async () => {
    const { id, refreshToken } = await loggedIn(app);
    const end = 'UPDATE sessions SET revoked_at = now() WHERE user_id = $1';
    const { status, body } = await during(refreshToken, id, end);
    expect([status, body.code]).toEqual([401, 'token_invalid']);
    expect(await sessionOf(id)).toEqual({ generation: 0, revoked: true });
  });

  it('that waits for its own repetition gets the same successor', async () => {
    const { id, refreshToken } = await loggedIn(app);
    const rotation = `UPDATE sessions SET generation = 1, rotated_at = now() WHERE user_id = $1`;
    const { status } = await during(refreshToken, id, rotation);
    expect([status, await sessionOf(id)]).toEqual([200, { generation: 1, revoked: false }]);
  });

  it('that waits for another session life than its own is not lengthened', async () => {
    const { id, refreshToken } = await loggedIn(app);
    const expiry = `UPDATE sessions SET expires_at = now() - interval '1 second' WHERE user_id = $1`;
    const { status, body } = await during(refreshToken, id, expiry);
    expect([status, body.code]).toEqual([401, 'token_expired']);
  });

  it('of an account that was closed by hand ends its session', async () => {
    const { id, refreshToken } = await loggedIn(app);
    await app.database.query('UPDATE users SET is_active = false WHERE id = $1', [id]);
    const { status, body } = await refresh(refreshToken);
    expect([status, body.code]).toEqual([401, 'token_invalid']);
    expect((await sessionOf(id))?.revoked).toBe(true);
  });

  it('whose connection is cut is answered all the same, and takes place once', async () => {
    const { id, refreshToken } = await loggedIn(app);
    const hold = 'SELECT 1 FROM sessions WHERE user_id = $1 FOR UPDATE';
    const cut = () => app.database.query(`SELECT pg_terminate_backend(pid) ${WAITING}`);
    const { status, body } = await during(refreshToken, id, hold, cut);
    expect([status, await sessionOf(id)]).toEqual([200, { generation: 1, revoked: false }]);
    expect((await refresh(body.refresh_token)).status).toBe(200);
  });

  it('whose answer is lost on the way is answered all the same, and takes place once', async () => {
    const { id, refreshToken } = await loggedIn(app);
    const query = GatheringClient.prototype.query as (...given: unknown[]) => Promise<unknown>;
    let lost = 0;
    jest.spyOn(GatheringClient.prototype, 'query').mockImplementation(async function (
      this: GatheringClient,
      ...given: unknown[]
    ) {
      const answer = await query.apply(this, given);
      if (String(given[0]).startsWith('UPDATE sessions SET generation') && lost++ === 0)
        throw new Error('Connection terminated unexpectedly');
      return answer;
    } as never);
    const { status, body } = await refresh(refreshToken);
    expect([status, lost, await sessionOf(id)]).toEqual([200, 1, { generation: 1, revoked: false }]);
    // Nobody takes the next one for stolen.
    const next = await refresh(body.refresh_token);
    expect([next.status, await sessionOf(id)]).toEqual([200, { generation: 2, revoked: false }]);
  });

  it('leaves a session in memory that a revocation still ends at once', async () => {
    const { refreshToken } = await loggedIn(app);
    const { body } = await refresh(refreshToken);
    const token = body.access_token;
    expect((await app.http.get('/api/auth/profile', { token })).status).toBe(200);
    expect((await app.http.post('/api/auth/logout', undefined, { token })).status).toBe(200);
    expect((await app.http.get('/api/auth/profile', { token })).body.code).toBe('session_revoked');
    expect((await refresh(body.refresh_token)).body.code).toBe('token_invalid');
  });
});
