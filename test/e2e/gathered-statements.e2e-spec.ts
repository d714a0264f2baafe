import type { Client } from 'pg';
import { DataSource } from 'typeorm';
import { Batch } from '../../src/database/batch';
import { GatheringClient } from '../../src/database/gathering-client';
import { together } from '../../src/database/together';
import { dataSourceOptions } from '../../src/database/options';
import { Statement } from '../../src/database/statement';
import { Transactions } from '../../src/database/transactions';
import { TestApp } from '../support/app';
import { createDatabase, databaseConfig, type TestDatabase } from '../support/database';

const names = async (database: TestDatabase) =>
  (await database.query<{ name: string }>('SELECT name FROM things ORDER BY name')).map(({ name }) => name);

describe('statements that travel together', () => {
  let database: TestDatabase;
  let client: GatheringClient;

  beforeAll(async () => {
    database = await createDatabase({ empty: true });
    await database.query('CREATE TABLE things (name text PRIMARY KEY)');
    client = new GatheringClient({ connectionString: database.url });
    await client.connect();
  });
  beforeEach(() => database.query('TRUNCATE things'));
  afterAll(async () => {
    await client.end();
    await database.drop();
  });

  const ask = (text: string, values?: unknown[]) =>
    (values ? client.query(text, values) : client.query(text)) as Promise<{ rows: object[] }>;
  const insert = (name: string) => ask('INSERT INTO things VALUES ($1) RETURNING name', [name]);
  const rowsOf = async (answer: Promise<{ rows: object[] }>) => (await answer).rows;

  /** Straight to the driver, without a transaction around. */
  const send = (...statements: [text: string, values: unknown[]][]) => {
    const outcomes = statements.map(() => 'none');
    const queries = statements.map(
      ([text, values], at) =>
        new Statement(text, values, undefined, new Map(), (error) => {
          outcomes[at] = error ? error.message : 'done';
        }),
    );
    return new Promise<string[]>((resolve) => {
      (client as Client).query(new Batch(queries), (() => resolve(outcomes)) as never);
    });
  };

  it('each get their own answer', async () => {
    await ask('START TRANSACTION');
    const answers = await together(
      rowsOf(insert('a')),
      rowsOf(ask('SELECT $1::int AS a, $2::text AS b', [1, 'x'])),
      rowsOf(ask('SELECT name FROM things WHERE name = $1', ['nobody'])),
      rowsOf(ask('DELETE FROM things WHERE name = $1', ['nobody'])),
    );
    await ask('COMMIT');
    expect(answers).toEqual([[{ name: 'a' }], [{ a: 1, b: 'x' }], [], []]);
    expect(await names(database)).toEqual(['a']);
  });

  it('are carried out up to the first that fails, and none behind it, whatever it is', async () => {
    const outcomes = await send(
      ['SELECT $1::int', [1]],
      ['SELECT 1 / $1::int', [0]],
      ['INSERT INTO things VALUES ($1)', ['must not be']],
    );
    expect(outcomes).toEqual(['done', 'division by zero', 'division by zero']);
    expect(await names(database)).toEqual([]);
    // The connection goes on.
    expect(await rowsOf(ask('SELECT $1::int AS n', [2]))).toEqual([{ n: 2 }]);
  });

  it('do not run where their transaction cannot begin', async () => {
    const outcomes = await send(
      ['START TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ WRITE, NOT DEFERRABLE, NONSENSE', []],
      ['INSERT INTO things VALUES ($1)', ['must not be']],
    );
    expect(outcomes).toEqual([
      expect.stringContaining('syntax error'),
      expect.stringContaining('syntax error'),
    ]);
    expect(await names(database)).toEqual([]);
  });

  it('see what those before them did, and what others committed before each of them began', async () => {
    const other = new GatheringClient({ connectionString: database.url });
    await other.connect();
    await insert('held');
    await (other.query('START TRANSACTION') as Promise<unknown>);
    await (other.query('UPDATE things SET name = $1', ['changed']) as Promise<unknown>);
    await ask('START TRANSACTION');
    const both = together(
      rowsOf(ask('SELECT name FROM things WHERE $1 FOR UPDATE', [true])),
      rowsOf(ask('SELECT name FROM things WHERE $1', [true])),
    );
    // By now the first waits for the lock; the second must not have looked yet.
    await new Promise((resolve) => setTimeout(resolve, 200));
    await (other.query('INSERT INTO things VALUES ($1)', ['new']) as Promise<unknown>);
    await (other.query('COMMIT') as Promise<unknown>);
    expect(await both).toEqual([
      [{ name: 'changed' }],
      expect.arrayContaining([{ name: 'changed' }, { name: 'new' }]),
    ]);
    await ask('ROLLBACK');
    await other.end();
  });

  it('are rolled back with those that nobody waited for', async () => {
    await ask('START TRANSACTION');
    await insert('a');
    void insert('a').catch(() => undefined);
    await expect(ask('COMMIT')).rejects.toThrow('duplicate key');
    await ask('ROLLBACK');
    expect(await names(database)).toEqual([]);
  });

  it('may be mixed with ones without parameters, which may be several in one text', async () => {
    await ask('START TRANSACTION');
    await ask(`INSERT INTO things VALUES ('a'); INSERT INTO things VALUES ('b')`);
    await together(insert('c'), ask('SAVEPOINT here'), insert('d'));
    await ask('COMMIT');
    expect(await names(database)).toEqual(['a', 'b', 'c', 'd']);
  });

  it('are lost together with their connection', async () => {
    const lonely = new GatheringClient({ connectionString: database.url });
    lonely.on('error', () => undefined);
    await lonely.connect();
    const say = (text: string, values?: unknown[]) => lonely.query(text, values) as Promise<unknown>;
    await say('START TRANSACTION');
    const outcomes = await Promise.allSettled([
      say('INSERT INTO things VALUES ($1)', ['must not be']),
      say('SELECT pg_terminate_backend(pg_backend_pid()), $1::int', [1]),
      say('INSERT INTO things VALUES ($1)', ['nor this']),
    ]);
    expect(outcomes.slice(1).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await expect(say('COMMIT')).rejects.toThrow();
    expect(await names(database)).toEqual([]);
  });

  it('by themselves, too, are given up with the connection where a value cannot be written down', async () => {
    const lonely = new GatheringClient({ connectionString: database.url });
    lonely.on('error', () => undefined);
    await lonely.connect();
    const endless: Record<string, unknown> = {};
    endless.self = endless;
    await expect(lonely.query('SELECT $1::json', [endless])).rejects.toThrow('circular');
    await expect(lonely.query('SELECT $1::int', [1])).rejects.toThrow();
  });

  it('are given up with the connection where one of their values cannot be written down', async () => {
    const lonely = new GatheringClient({ connectionString: database.url });
    lonely.on('error', () => undefined);
    await lonely.connect();
    const say = (text: string, values?: unknown[]) => lonely.query(text, values) as Promise<unknown>;
    const endless: Record<string, unknown> = {};
    endless.self = endless;
    await say('START TRANSACTION');
    const outcomes = await Promise.allSettled([
      say('INSERT INTO things VALUES ($1)', ['must not be']),
      say('INSERT INTO things VALUES ($1)', [endless]),
      say('INSERT INTO things VALUES ($1)', ['nor this']),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    await expect(say('COMMIT')).rejects.toThrow();
    expect(await names(database)).toEqual([]);
  });
});

describe('a transaction', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await TestApp.start();
    await app.database.query('CREATE TABLE things (name text PRIMARY KEY)');
  });
  afterAll(() => app.close());

  it('in which nothing is asked sends nothing', async () => {
    const options = dataSourceOptions({ ...databaseConfig(app.database.url), poolMax: 1 });
    const dataSource = await new DataSource(options).initialize();
    const sent = jest.spyOn(Batch.prototype, 'submit');
    expect(await dataSource.transaction(() => Promise.resolve(7))).toBe(7);
    await expect(dataSource.transaction(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(sent).not.toHaveBeenCalled();
    sent.mockRestore();
    await dataSource.destroy();
  });

  it('of steps that go together is rolled back only when all of them are over', async () => {
    const work = app.nest.get(Transactions).run(async (tx) => {
      const failing = async () => {
        await tx.query('SELECT $1::int', [1]);
        throw new Error('first');
      };
      const slow = async () => {
        for (const name of ['a', 'b', 'c']) await tx.query('INSERT INTO things VALUES ($1)', [name]);
      };
      await together(failing(), slow());
    });
    await expect(work).rejects.toThrow('first');
    expect(await names(app.database)).toEqual([]);
  });
});
