import { Client } from 'pg';
import { DataSource } from 'typeorm';
import { UnverifiedAccountsJob } from '../../src/auth/registration/unverified-accounts.job';
import { ExpiredSessionsJob } from '../../src/sessions/expired-sessions.job';
import { unverified, verified } from '../support/actors';
import { TestApp } from '../support/app';
import { DAY } from '../support/clock';

/** Rows that one transaction may hold; bench/GROWTH.md says how long that takes. */
const MOST_AT_ONCE = 500;
const OLD_SESSIONS = 2_000;

describe('cleaners', () => {
  let app: TestApp;

  beforeEach(async () => {
    app = await TestApp.start();
  });
  afterEach(() => app.close());

  const endedSessions = async () => {
    const { id } = await verified(app);
    await app.database.query(
      `INSERT INTO sessions (id, user_id, transport, secret_hash, ip, created_at, last_used_at, authenticated_at, expires_at, revoked_at)
       SELECT gen_random_uuid(), $1, 'bearer', '\\x00', '127.0.0.1', now(), now(), now(),
         now() - n % 2 * interval '10 days' + interval '5 days', CASE WHEN n % 2 = 0 THEN now() - interval '3 days' END
       FROM generate_series(1, $2::int) AS n`,
      [id, OLD_SESSIONS],
    );
  };
  const sessionsLeft = () => app.database.query<{ id: string }>('SELECT id FROM sessions');

  it('delete a little at a time, each time in a transaction of its own', async () => {
    await endedSessions();
    await app.database.query(`
      CREATE TABLE deletions (transaction xid8, rows int);
      CREATE FUNCTION note_deletion() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO deletions SELECT pg_current_xact_id(), count(*) FROM gone;
        RETURN NULL;
      END $$;
      CREATE TRIGGER note_deletion AFTER DELETE ON sessions REFERENCING OLD TABLE AS gone
      FOR EACH STATEMENT EXECUTE FUNCTION note_deletion()`);
    await app.nest.get(ExpiredSessionsJob).run();
    const [{ most, all }] = (await app.database.query<{ most: number; all: number }>(
      `SELECT max(rows)::int AS most, sum(rows)::int AS all
       FROM (SELECT sum(rows) AS rows FROM deletions GROUP BY transaction) AS by_transaction`,
    )) as [{ most: number; all: number }];
    expect(all).toBe(OLD_SESSIONS);
    expect(most).toBeLessThanOrEqual(MOST_AT_ONCE);
    expect(await sessionsLeft()).toEqual([]);
  });

  it('go past a row that somebody holds', async () => {
    await endedSessions();
    const holder = new Client({ connectionString: app.database.url });
    await holder.connect();
    await holder.query('BEGIN');
    const { rows: held } = await holder.query<{ id: string }>(
      'SELECT id FROM sessions ORDER BY expires_at LIMIT 1 FOR UPDATE',
    );
    await app.nest.get(ExpiredSessionsJob).run();
    expect(await sessionsLeft()).toEqual(held);
    await holder.end();
    await app.nest.get(ExpiredSessionsJob).run();
    expect(await sessionsLeft()).toEqual([]);
  });

  it('have read all that refers to an account before they hold it', async () => {
    await unverified(app);
    app.clock.advance(8 * DAY);
    const asked = jest.spyOn(app.nest.get(DataSource), 'query');
    await app.nest.get(UnverifiedAccountsJob, { strict: false }).run();
    const read = asked.mock.calls.map(([text]) => /^SELECT count\(\w+\) FROM (\w+)/.exec(text)?.[1]);
    const referring = await app.database.query<{ name: string }>(
      `SELECT DISTINCT conrelid::regclass::text AS name FROM pg_constraint WHERE confrelid = 'users'::regclass`,
    );
    expect(referring.length).toBeGreaterThan(3);
    expect(read).toEqual(expect.arrayContaining(referring.map(({ name }) => name)));
    expect(await app.database.query('SELECT FROM users')).toEqual([]);
  });

  it('take the locks of an unverified account with one batch, which does all that is done under them', async () => {
    await unverified(app);
    app.clock.advance(8 * DAY);
    const sent = jest.spyOn(Client.prototype, 'query');
    await app.nest.get(UnverifiedAccountsJob, { strict: false }).run();
    const batches = sent.mock.calls
      .map(([asked]) => (asked as unknown as { statements?: { text: string }[] }).statements ?? [])
      .map((statements) => statements.map(({ text }) => text.trimStart().slice(0, 17)));
    sent.mockRestore();
    expect(batches.find((kinds) => kinds.includes('DELETE FROM users'))).toEqual([
      'START TRANSACTION',
      'SELECT set_config',
      'DELETE FROM users',
      'SELECT pg_notify(',
      'INSERT INTO "audi',
      'UPDATE "audit_eve',
    ]);
  });

  it('leave an unverified account alone that somebody holds, and go on with the next', async () => {
    const held = await unverified(app);
    const other = await unverified(app);
    app.clock.advance(8 * DAY);
    const holder = new Client({ connectionString: app.database.url });
    await holder.connect();
    await holder.query('BEGIN');
    await holder.query('SELECT FROM users WHERE id = $1 FOR NO KEY UPDATE', [held.id]);
    await app.nest.get(UnverifiedAccountsJob, { strict: false }).run();
    expect(await app.database.query('SELECT id FROM users')).toEqual([{ id: held.id }]);
    await holder.end();
    const removed = await app.database.query<{ id: string }>(
      `SELECT user_id AS id FROM audit_events WHERE action = 'account.unverified_removed'`,
    );
    expect(removed).toEqual([{ id: other.id }]);
    await app.nest.get(UnverifiedAccountsJob, { strict: false }).run();
    expect(await app.database.query('SELECT FROM users')).toEqual([]);
  });

  it('remove unverified accounts one by one: what cannot go keeps nobody else', async () => {
    await unverified(app);
    await unverified(app);
    const last = await unverified(app);
    await app.database.query(`
      CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not this one'; END $$;
      CREATE TRIGGER refuse BEFORE DELETE ON users FOR EACH ROW WHEN (OLD.id = '${last.id}') EXECUTE FUNCTION refuse()`);
    app.clock.advance(8 * DAY);
    await expect(app.nest.get(UnverifiedAccountsJob, { strict: false }).run()).rejects.toThrow(
      'not this one',
    );
    const left = await app.database.query<{ id: string }>('SELECT id FROM users');
    expect(left.map(({ id }) => id)).toEqual([last.id]);
  });
});
