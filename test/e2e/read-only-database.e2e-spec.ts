import { setTimeout as sleep } from 'node:timers/promises';
import { loggedIn, PASSWORD } from '../support/actors';
import { TestApp } from '../support/app';
import { MINUTE } from '../support/clock';

describe('a database that only reads: a standby, or a full disk', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await TestApp.start();
  });
  afterAll(() => app.close());

  /** For new connections, so those there are go. */
  async function setReadOnly(isReadOnly: boolean) {
    const [{ name }] = (await app.database.query<{ name: string }>('SELECT current_database() AS name')) as [
      { name: string },
    ];
    await app.database.query(`BEGIN READ WRITE;
      ALTER DATABASE ${name} SET default_transaction_read_only = ${isReadOnly ? 'on' : 'off'}; COMMIT`);
    await app.database.query(
      'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
    );
    // The pool notices.
    await sleep(200);
  }

  const read = (token: string) => app.http.get<{ code?: string }>('/api/auth/profile', { token });
  const rename = (token: string) =>
    app.http.put<{ code?: string }>('/api/auth/profile', { name: 'Ada' }, { token });
  const refresh = (refreshToken: string) =>
    app.http.post<Record<string, string>>('/api/auth/refresh', { refresh_token: refreshToken });

  it('lets sessions read whose use would be noted, answers 503 to writes, and heals without a restart', async () => {
    const { token } = await loggedIn(app);
    app.clock.advance(2 * MINUTE);
    await setReadOnly(true);
    expect((await read(token)).status).toBe(200);
    expect((await read(token)).status).toBe(200);
    expect(await rename(token)).toMatchObject({ status: 503, body: { code: 'unavailable' } });
    await setReadOnly(false);
    expect((await rename(token)).status).toBe(200);
    const [{ used }] = (await app.database.query<{ used: Date }>(
      'SELECT max(last_used_at) AS used FROM sessions',
    )) as [{ used: Date }];
    expect(app.clock.now().getTime() - used.getTime()).toBeLessThan(MINUTE);
  });

  it('lets a refreshed session read, and afterwards its old token is still known for stolen', async () => {
    const { refreshToken } = await loggedIn(app);
    const { body } = await refresh(refreshToken);
    await setReadOnly(true);
    expect((await read(body.access_token!)).status).toBe(200);
    await setReadOnly(false);
    expect((await read(body.access_token!)).status).toBe(200);
    app.clock.advance(MINUTE);
    expect(await refresh(refreshToken)).toMatchObject({
      status: 401,
      body: { code: 'refresh_token_reused' },
    });
  });

  it('has nothing half done where its disk is full', async () => {
    const { token } = await loggedIn(app);
    app.clock.advance(2 * MINUTE);
    // What PostgreSQL says when it can extend no file; there and then as here.
    await app.database.query(`
      CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full';
      END $$;
      CREATE TRIGGER full_disk BEFORE INSERT OR UPDATE ON sessions EXECUTE FUNCTION full_disk();
      CREATE TRIGGER full_disk BEFORE INSERT ON audit_events EXECUTE FUNCTION full_disk()`);
    expect((await read(token)).status).toBe(200);
    expect(await rename(token)).toMatchObject({ status: 503, body: { code: 'unavailable' } });
    const account = { email: 'late@example.org', password: PASSWORD };
    expect((await app.http.post('/api/auth/register', account)).status).toBe(503);
    expect(await app.database.query('SELECT FROM users WHERE email = $1', [account.email])).toEqual([]);
    expect((await read(token)).body).toMatchObject({ name: null });
    await app.database.query('DROP FUNCTION full_disk CASCADE');
    expect((await rename(token)).status).toBe(200);
    expect((await app.http.post('/api/auth/register', account)).status).toBe(201);
  });
});
