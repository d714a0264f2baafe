import { types } from 'pg';
import { serialize } from 'pg-protocol';
import { DataSource } from 'typeorm';
import { Config } from '../../src/config/config';
import { dataSourceOptions } from '../../src/database/options';
import { TENANT_ROLE } from '../../src/database/own-rows';
import { Transactions } from '../../src/database/transactions';
import { loggedIn } from '../support/actors';
import { TestApp } from '../support/app';
import { databaseConfig } from '../support/database';

interface Prepared {
  statement: string;
  generic: number;
}

const SIZE = 'SELECT size FROM things WHERE id = $1';

describe('prepared statements', () => {
  let app: TestApp;
  /** One connection, as the service makes it. */
  let dataSource: DataSource;
  let transactions: Transactions;

  beforeAll(async () => {
    app = await TestApp.start();
    await app.database.query('CREATE TABLE things (id int PRIMARY KEY, size int NOT NULL)');
    await app.database.query('INSERT INTO things VALUES (1, 10)');
    dataSource = new DataSource(dataSourceOptions({ ...databaseConfig(app.database.url), poolMax: 1 }));
    await dataSource.initialize();
    transactions = new Transactions(dataSource, app.nest.get(Config));
  });
  afterAll(async () => {
    await dataSource.destroy();
    await app.close();
  });

  const prepared = () =>
    dataSource.query<Prepared[]>(
      'SELECT statement, generic_plans::int AS generic FROM pg_prepared_statements',
    );
  const size = () => dataSource.query<{ size: unknown }[]>(SIZE, [1]);
  const sizeWithin = () => transactions.run((tx) => tx.query<{ size: unknown }[]>(SIZE, [1]));

  it('are those with parameters, once for a connection however often they are sent', async () => {
    for (let round = 0; round < 3; round++) {
      await size();
      await sizeWithin();
      await dataSource.query('SELECT 1');
    }
    const texts = (await prepared()).map(({ statement }) => statement);
    expect(texts.sort()).toEqual([SIZE, 'START TRANSACTION']);
  });

  it('have their rows described once for a connection', async () => {
    const text = 'SELECT size AS described FROM things WHERE id = $1';
    const ask = () => dataSource.query<object[]>(text, [1]);
    await sizeWithin();
    const describe = jest.spyOn(serialize, 'describe');
    const first = await ask();
    expect(describe).toHaveBeenCalledTimes(1);
    expect(await ask()).toEqual(first);
    expect(await transactions.run((tx) => tx.query<object[]>(text, [1]))).toEqual(first);
    expect(await dataSource.query(text, [2])).toEqual([]);
    expect(describe).toHaveBeenCalledTimes(1);
    describe.mockRestore();
  });

  it.each([
    ['by itself', (text: string) => dataSource.query(text, ['1.5'])],
    ['in a transaction', (text: string) => transactions.run((tx) => tx.query(text, ['1.5']))],
  ])('fail where a value cannot be read, and the connection goes on: %s', async (_where, ask) => {
    const { MONEY } = types.builtins;
    const usual = types.getTypeParser(MONEY);
    types.setTypeParser(MONEY, () => {
      throw new Error('unreadable');
    });
    await expect(ask('SELECT $1::text::money, 1 AS once')).rejects.toThrow('unreadable');
    types.setTypeParser(MONEY, usual);
    expect(await size()).toEqual([{ size: 10 }]);
  });

  it.each([
    ['by itself', size],
    ['in a transaction', sizeWithin],
  ])('are prepared anew after a migration under the running service: %s', async (_where, ask) => {
    await app.database.query('ALTER TABLE things ALTER COLUMN size TYPE int USING size::int');
    for (let round = 0; round < 8; round++) expect(await ask()).toEqual([{ size: 10 }]);
    await app.database.query('ALTER TABLE things ALTER COLUMN size TYPE text');
    for (let round = 0; round < 8; round++) expect(await ask()).toEqual([{ size: '10' }]);
  });

  it('are prepared anew where the server has forgotten them', async () => {
    for (const ask of [size, sizeWithin]) {
      const before = await ask();
      await dataSource.query('DEALLOCATE ALL');
      expect(await ask()).toEqual(before);
    }
  });

  it('show nobody the rows of another user, however users and roles alternate on one connection', async () => {
    const people = [await loggedIn(app), await loggedIn(app), await loggedIn(app)];
    for (const { id, token } of people)
      await app.http.post(`/api/users/${id}/tasks`, { title: id }, { token });
    // Without a condition of its own: what is seen is what the policy lets through.
    const TITLES = 'SELECT title FROM tasks WHERE $1';
    const asNobody = () =>
      transactions.run(async (tx) => {
        await tx.query(`SELECT set_config('role', $1, true)`, [TENANT_ROLE]);
        return tx.query<object[]>(TITLES, [true]);
      });
    // Often enough for PostgreSQL to keep one plan for all of them; without a role the owner of the tables sees all.
    for (let round = 0; round < 12; round++) {
      for (const { id } of people)
        expect(await transactions.runAs(id, (tx) => tx.query(TITLES, [true]))).toEqual([{ title: id }]);
      expect(await transactions.run((tx) => tx.query<object[]>(TITLES, [true]))).toHaveLength(3);
      expect(await asNobody()).toEqual([]);
    }
    expect((await prepared()).filter(({ statement }) => statement === TITLES)).toHaveLength(1);

    // The same with one role, so that the plan outlives the change of users.
    for (let round = 0; round < 12; round++)
      for (const { id } of people)
        expect(await transactions.runAs(id, (tx) => tx.query(TITLES, [true]))).toEqual([{ title: id }]);
    const plan = (await prepared()).find(({ statement }) => statement === TITLES);
    expect(plan!.generic).toBeGreaterThan(0);
  });
});

describe('behind a pooler', () => {
  it('nothing is prepared', async () => {
    const app = await TestApp.start();
    const options = dataSourceOptions({ ...databaseConfig(app.database.url), isPooled: true, poolMax: 1 });
    const dataSource = await new DataSource(options).initialize();
    await dataSource.query('SELECT $1::int', [1]);
    await dataSource.transaction((tx) => tx.query('SELECT $1::int', [1]));
    expect(await dataSource.query('SELECT statement FROM pg_prepared_statements')).toEqual([]);
    await dataSource.destroy();
    await app.close();
  });
});
