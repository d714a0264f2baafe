import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { DataSource, type EntityManager } from 'typeorm';
import { Transactions } from '../../src/database/transactions';
import { loggedIn } from '../support/actors';
import { TestApp } from '../support/app';

describe('transactions', () => {
  let app: TestApp;
  let transactions: Transactions;

  beforeAll(async () => {
    app = await TestApp.start();
    transactions = app.nest.get(Transactions);
    await app.database.query('CREATE TABLE account (name text PRIMARY KEY, balance int NOT NULL)');
    await app.database.query(`INSERT INTO account VALUES ('a', 0), ('b', 0), ('c', 0)`);
  });
  afterAll(() => app.close());

  const add = (tx: EntityManager, name: string) =>
    tx.query('UPDATE account SET balance = balance + 1 WHERE name = $1', [name]);
  const balances = async () => {
    const rows = await app.database.query<{ balance: number }>('SELECT balance FROM account ORDER BY name');
    return rows.map(({ balance }) => balance);
  };

  it('that deadlock are tried again, and each of them takes place once', async () => {
    let tries = 0;
    const holding = new Set<string>();
    const both = (first: string, second: string) =>
      transactions.run(async (tx) => {
        tries++;
        await add(tx, first);
        // Not before each of them has what the other one wants.
        holding.add(first);
        while (holding.size < 2) await sleep(10);
        await add(tx, second);
      });
    await Promise.all([both('a', 'b'), both('b', 'a')]);
    expect(await balances()).toEqual([2, 2, 0]);
    expect(tries).toBeGreaterThan(2);
  });

  it('that fail otherwise are rolled back and not tried again', async () => {
    let tries = 0;
    const before = await balances();
    const failing = transactions.run(async (tx) => {
      tries++;
      await add(tx, 'c');
      await tx.query(`INSERT INTO account VALUES ('a', 0)`);
    });
    await expect(failing).rejects.toMatchObject({ code: '23505' });
    expect([tries, await balances()]).toEqual([1, before]);
  });

  it('that never succeed are given up after four tries', async () => {
    let tries = 0;
    const conflict = transactions.run(async (tx) => {
      tries++;
      await tx.query(`DO $$ BEGIN RAISE EXCEPTION 'conflict' USING ERRCODE = '40001'; END $$`);
    });
    await expect(conflict).rejects.toThrow('conflict');
    expect(tries).toBe(4);
  });

  it('do not wait for a lock for longer than two seconds', async () => {
    await app.nest.get(DataSource).transaction(async (holder) => {
      await add(holder, 'c');
      const startedAt = performance.now();
      await expect(transactions.run((tx) => add(tx, 'c'))).rejects.toMatchObject({ code: '55P03' });
      expect(performance.now() - startedAt).toBeLessThan(4_000);
    });
  });
});

describe('a connection that is lost while a request needs it', () => {
  let app: TestApp;
  let holder: Client;

  beforeAll(async () => {
    app = await TestApp.start();
    holder = new Client({ connectionString: app.database.url });
    await holder.connect();
    await app.database.query('CREATE SEQUENCE tries');
  });
  afterAll(async () => {
    await holder.end();
    await app.close();
  });

  /** What comes of a request whose query waits for a lock when its connection is cut. */
  async function cutDuring<T>(send: () => Promise<T>): Promise<T> {
    await holder.query('BEGIN');
    await holder.query('LOCK TABLE users');
    const answer = send();
    for (let cut = 0; cut === 0; await sleep(5))
      cut = (
        await app.database.query(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND application_name = 'gatehouse' AND wait_event_type = 'Lock'`,
        )
      ).length;
    await holder.query('ROLLBACK');
    return answer;
  }

  it('costs a read nothing: it is sent once more', async () => {
    const { token } = await loggedIn(app);
    const answer = await cutDuring(() => app.http.get('/api/auth/profile', { token }));
    expect(answer.status).toBe(200);
  });

  it('costs a change nothing that had not reached its COMMIT', async () => {
    const { token, id } = await loggedIn(app);
    const answer = await cutDuring(() => app.http.put('/api/auth/profile', { name: 'Ada' }, { token }));
    expect([answer.status, answer.body]).toMatchObject([200, { name: 'Ada' }]);
    const [row] = await app.database.query('SELECT name FROM users WHERE id = $1', [id]);
    expect(row).toEqual({ name: 'Ada' });
  });

  it('has a change fail where nobody knows whether its COMMIT took place', async () => {
    const { token } = await loggedIn(app);
    await app.database.query(`
      CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        PERFORM nextval('tries'), pg_terminate_backend(pg_backend_pid());
        RETURN NULL;
      END $$;
      CREATE CONSTRAINT TRIGGER cut AFTER UPDATE ON users DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION cut()`);
    const answer = await app.http.put<{ code: string }>('/api/auth/profile', { name: 'Bea' }, { token });
    expect([answer.status, answer.body.code]).toEqual([503, 'unavailable']);
    expect(await app.database.query('SELECT last_value::int AS tries FROM tries')).toEqual([{ tries: 1 }]);
  });
});

describe('transactions behind a pooler', () => {
  it('bring their time-outs along, and leave none to the next user of the connection', async () => {
    const app = await TestApp.start();
    const { url } = app.database;
    const pooled = await TestApp.start({
      database: app.database,
      // The same server by another address: what counts is that a direct way is named.
      env: { DATABASE_DIRECT_URL: url.replace('127.0.0.1', 'localhost'), DATABASE_POOL_MAX: '2' },
    });
    const show = `SELECT current_setting('statement_timeout') AS statement, current_setting('lock_timeout') AS lock`;
    const inside = await pooled.nest.get(Transactions).run((tx) => tx.query<object[]>(show));
    expect(inside).toEqual([{ statement: '5s', lock: '2s' }]);
    const outside = await pooled.nest.get(DataSource).query<object[]>(show);
    expect(outside).toEqual([{ statement: '0', lock: '0' }]);
    await pooled.close();
    await app.close();
  });
});
