import { setTimeout as sleep } from 'node:timers/promises';
import { ImpatientClient } from '../../src/database/impatient-client';
import { loggedIn } from '../support/actors';
import { TestApp } from '../support/app';
import { createDatabase, type TestDatabase } from '../support/database';
import { Wire } from '../support/wire';

describe('a network to the database that died without a word', () => {
  let database: TestDatabase;
  let wire: Wire;
  let app: TestApp;

  beforeAll(async () => {
    database = await createDatabase();
    wire = await Wire.to(database.url);
    app = await TestApp.start({ database: { ...database, url: wire.url } });
  });
  afterAll(async () => {
    wire.mend();
    await app.close();
    await wire.stop();
    await database.drop();
  });

  it('costs one time-out of 6 s and no second one for the rollback', async () => {
    const { token } = await loggedIn(app);
    const rename = async (name: string) => {
      const since = performance.now();
      const { status, body } = await app.http.put<{ code: string }>('/api/auth/profile', { name }, { token });
      return { status, code: body.code, ms: performance.now() - since };
    };
    expect(await rename('Ada')).toMatchObject({ status: 200 });
    wire.silence();
    const first = await rename('Bea');
    expect(first).toMatchObject({ status: 503, code: 'unavailable' });
    expect(first.ms).toBeLessThan(8_500);
  });
});

describe('a connection that waits for answers', () => {
  const PATIENCE_MS = 1_000;
  let database: TestDatabase;
  let client: ImpatientClient;

  beforeAll(async () => {
    database = await createDatabase({ empty: true });
  });
  beforeEach(async () => {
    client = new ImpatientClient({ connectionString: database.url, patience: PATIENCE_MS });
    client.on('error', () => undefined);
    await client.connect();
  });
  afterEach(() => client.end());
  afterAll(() => database.drop());

  const ask = (text: string) => client.query(text) as Promise<{ rowCount: number }>;

  it('is kept while each comes in time, however many queries wait', async () => {
    const answers = await Promise.all(Array.from({ length: 3 }, () => ask('SELECT pg_sleep(0.5)')));
    expect(answers.map(({ rowCount }) => rowCount)).toEqual([1, 1, 1]);
  });

  it('is kept through a pause in which nobody asks', async () => {
    await ask('SELECT 1');
    await sleep(PATIENCE_MS * 0.9);
    expect((await ask('SELECT pg_sleep(0.5)')).rowCount).toBe(1);
  });

  it('is given up where one stays out; all that wait are told, by promise and by callback', async () => {
    const since = performance.now();
    const heard = new Promise<Error | undefined>((resolve) => {
      const answers = [ask('SELECT pg_sleep(30)'), ask('SELECT 1')];
      for (const answer of answers) void answer.catch(() => undefined);
      client.query('SELECT 1', resolve);
    });
    await expect(ask('SELECT 1')).rejects.toThrow('Query read timeout');
    expect((await heard)?.message).toBe('Query read timeout');
    expect(performance.now() - since).toBeLessThan(5 * PATIENCE_MS);
    await expect(ask('SELECT 1')).rejects.toThrow('not queryable');
  });
});
