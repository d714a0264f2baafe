import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { DataSource, getMetadataArgsStorage, type DataSourceOptions } from 'typeorm';
import { CreateTasks1795219208000 } from '../../migrations/1795219208000-create-tasks';
import type { Config } from '../../src/config/config';
import { newId } from '../../src/common/crypto/tokens';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../../src/database/embedded-postgres';
import { dataSourceOptions } from '../../src/database/options';
import { Transactions } from '../../src/database/transactions';
import { checkSchema } from '../../src/schema/check';
import { migrateAtStart, migrateUp } from '../../src/schema/migrate';
import { USER_OWNED } from '../../src/schema/rights';
import { Task } from '../../src/tasks/task.entity';
import { User } from '../../src/users/user.entity';
import { TestApp } from '../support/app';
import { createDatabase, databaseConfig, type TestDatabase } from '../support/database';

const SOURCES = join(__dirname, '../../src');
const ENTITIES = [join(SOURCES, '**/*.entity.ts')];
const INSUFFICIENT_PRIVILEGE = { driverError: expect.objectContaining({ code: '42501' }) as unknown };

jest.setTimeout(120_000);

describe('row-level security', () => {
  let app: TestApp;
  let transactions: Transactions;
  let [ada, bob]: [string, string] = ['', ''];

  beforeAll(async () => {
    app = await TestApp.start();
    transactions = app.nest.get(Transactions);
  });
  beforeEach(async () => {
    [ada, bob] = [await userWith(3), await userWith(2)];
  });
  afterAll(() => app.close());

  /** Without the service: what PostgreSQL does is tested. */
  const userWith = async (tasks: number) => {
    const id = newId();
    await app.database.query(
      `INSERT INTO users (id, email, email_canonical, password_hash, created_at, updated_at)
       VALUES ($1, $2, $2, '!', now(), now())`,
      [id, `${id}@example.org`],
    );
    await app.database.query(
      `INSERT INTO tasks (id, user_id, title, description, completed, created_at, updated_at)
       SELECT gen_random_uuid(), $1::uuid, 'of ' || $1::uuid, '', false, now(), now() FROM generate_series(1, $2::int)`,
      [id, tasks],
    );
    return id;
  };
  const rowsOf = (userId: string) =>
    app.database.query<{ title: string }>('SELECT * FROM tasks WHERE user_id = $1 ORDER BY id', [userId]);
  const newTask = (userId: string): Task => ({
    id: newId(),
    userId,
    title: 'New',
    description: '',
    completed: false,
    createdAt: new Date(),
    updatedAt: new Date(),
  });

  describe('a transaction as one user', () => {
    it('sees its own rows only, whatever it forgets to say', async () => {
      await transactions.runAs(ada, async (tx) => {
        expect((await tx.find(Task)).map(({ userId }) => userId)).toEqual([ada, ada, ada]);
        expect(await tx.count(Task)).toBe(3);
        expect(await tx.findBy(Task, { userId: bob })).toEqual([]);
        const [theirs] = await rowsOf(bob);
        expect(await tx.findOneBy(Task, { id: (theirs as unknown as Task).id })).toBeNull();
        for (const sql of [
          'SELECT DISTINCT user_id FROM tasks',
          'SELECT DISTINCT user_id FROM tasks WHERE true OR user_id IS NOT NULL',
          `SELECT user_id FROM tasks WHERE title LIKE 'of %' GROUP BY 1`,
          'WITH all_of_them AS (TABLE tasks) SELECT DISTINCT user_id FROM all_of_them',
        ])
          expect(await tx.query(sql)).toEqual([{ user_id: ada }]);
      });
    });

    it('changes and deletes its own rows only', async () => {
      const before = await rowsOf(bob);
      await transactions.runAs(ada, (tx) => tx.query(`UPDATE tasks SET title = 'Changed'`));
      expect((await rowsOf(ada)).map(({ title }) => title)).toEqual(['Changed', 'Changed', 'Changed']);
      await transactions.runAs(ada, (tx) => tx.query('DELETE FROM tasks'));
      expect(await rowsOf(ada)).toEqual([]);
      expect(await rowsOf(bob)).toEqual(before);
    });

    it('can neither make a row for somebody else nor give one away', async () => {
      const before = [await rowsOf(ada), await rowsOf(bob)];
      for (const work of [
        transactions.runAs(ada, (tx) => tx.insert(Task, newTask(bob))),
        transactions.runAs(ada, (tx) => tx.update(Task, { userId: ada }, { userId: bob })),
        transactions.runAs(ada, (tx) =>
          tx.query(
            `INSERT INTO tasks SELECT gen_random_uuid(), $1, title, '', false, now(), now() FROM tasks LIMIT 1`,
            [bob],
          ),
        ),
      ])
        await expect(work).rejects.toMatchObject(INSUFFICIENT_PRIVILEGE);
      // Nor take one over, whose id it has learnt.
      const [theirs] = (await rowsOf(bob)) as unknown as Task[];
      const taking = transactions.runAs(ada, (tx) =>
        tx.query(
          `INSERT INTO tasks VALUES ($1, $2, 'Mine', '', false, now(), now()) ON CONFLICT (id) DO UPDATE SET title = 'Mine'`,
          [theirs!.id, ada],
        ),
      );
      await expect(taking).rejects.toMatchObject(INSUFFICIENT_PRIVILEGE);
      expect([await rowsOf(ada), await rowsOf(bob)]).toEqual(before);
    });

    it('reaches no table that is not of this kind', async () => {
      const tables = await app.database.query<{ name: string }>(
        `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
         WHERE schemaname IN ('public', 'pgboss') AND NOT tablename = ANY ($1)`,
        [USER_OWNED],
      );
      expect(tables.length).toBeGreaterThan(10);
      for (const { name } of tables)
        await expect(transactions.runAs(ada, (tx) => tx.query(`SELECT FROM ${name}`))).rejects.toMatchObject(
          INSUFFICIENT_PRIVILEGE,
        );
    });

    it.each([
      'SET LOCAL row_security = off; SELECT * FROM tasks',
      'ALTER TABLE tasks DISABLE ROW LEVEL SECURITY',
      'ALTER TABLE tasks NO FORCE ROW LEVEL SECURITY',
      'DROP POLICY own_rows ON tasks',
      'CREATE POLICY more ON tasks USING (true)',
      'TRUNCATE tasks',
      'CREATE TABLE mine (id int)',
      'ALTER ROLE gatehouse_tenant BYPASSRLS',
    ])('cannot %s', async (sql) => {
      await expect(transactions.runAs(ada, (tx) => tx.query(sql))).rejects.toMatchObject(
        INSUFFICIENT_PRIVILEGE,
      );
    });
  });

  describe('the tenant role', () => {
    const asTenant = (userId: string | undefined, sql: string) =>
      transactions.run(async (tx) => {
        await tx.query('SET LOCAL ROLE gatehouse_tenant');
        if (userId !== undefined) await tx.query(`SELECT set_config('app.user_id', $1, true)`, [userId]);
        return tx.query<unknown[]>(sql);
      });

    it('has no rows without a user, with an empty one, and with one who does not exist', async () => {
      for (const userId of [undefined, '', newId()]) {
        expect(await asTenant(userId, 'SELECT * FROM tasks')).toEqual([]);
        expect(await asTenant(userId, 'UPDATE tasks SET completed = true RETURNING id')).toEqual([[], 0]);
        expect(await asTenant(userId, 'DELETE FROM tasks RETURNING id')).toEqual([[], 0]);
        await expect(
          asTenant(
            userId,
            `INSERT INTO tasks VALUES (gen_random_uuid(), '${ada}', 'x', '', false, now(), now())`,
          ),
        ).rejects.toMatchObject(INSUFFICIENT_PRIVILEGE);
      }
      expect(await rowsOf(ada)).toHaveLength(3);
    });

    it('fails on what is no id, and says nothing of any row', async () => {
      await expect(asTenant("x' OR true --", 'SELECT * FROM tasks')).rejects.toThrow(
        'invalid input syntax for type uuid',
      );
    });

    it('can bypass nothing, own nothing and not log in', async () => {
      expect(
        await app.database.query(
          `SELECT rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication OR rolcanlogin AS "isMore",
             EXISTS (SELECT FROM pg_auth_members WHERE member = r.oid) AS "isMember",
             EXISTS (SELECT FROM pg_class WHERE relowner = r.oid) AS "isOwner"
           FROM pg_roles AS r WHERE rolname = 'gatehouse_tenant'`,
        ),
      ).toEqual([{ isMore: false, isMember: false, isOwner: false }]);
      const url = new URL(app.database.url);
      url.username = 'gatehouse_tenant';
      const client = new Client({ connectionString: url.href });
      await expect(client.connect()).rejects.toMatchObject({ code: expect.stringMatching(/^28/) as unknown });
    });
  });

  describe('a pooled connection', () => {
    let single: DataSource;
    let narrow: Transactions;

    beforeAll(async () => {
      const database = { ...databaseConfig(app.database.url), poolMax: 1 };
      single = new DataSource({
        ...dataSourceOptions(database),
        entities: [User, Task],
      } as DataSourceOptions);
      await single.initialize();
      narrow = new Transactions(single, { database } as Config);
    });
    afterAll(() => single.destroy());

    const identity = `SELECT current_user AS role, session_user AS session, current_setting('app.user_id', true) AS id,
      pg_backend_pid() AS pid`;

    it.each([
      ['a commit', () => Promise.resolve()],
      ['an error of the application', () => Promise.reject(new Error('thrown'))],
      ['a refused statement', (tx: TaskManager) => tx.query('SELECT * FROM users')],
      ['a mistake in SQL', (tx: TaskManager) => tx.query('SELEKT')],
      [
        'a statement cut short',
        (tx: TaskManager) =>
          tx
            .query(`SELECT set_config('statement_timeout', '20ms', true)`)
            .then(() => tx.query('SELECT pg_sleep(1)')),
      ],
      [
        'a savepoint rolled back',
        (tx: TaskManager) => tx.transaction(() => Promise.reject(new Error('thrown'))).catch(() => undefined),
      ],
      [
        'another user set by hand',
        (tx: TaskManager) => tx.query(`SELECT set_config('app.user_id', '${newId()}', true)`),
      ],
    ])('carries nothing from one user to the next after %s', async (_, ending) => {
      const pids: number[] = [];
      for (const [userId, count] of [
        [ada, 3],
        [bob, 2],
      ] as const) {
        await narrow
          .runAs(userId, async (tx) => {
            expect((await tx.find(Task)).map((task) => task.userId)).toEqual(Array(count).fill(userId));
            await ending(tx);
          })
          .catch(() => undefined);
        const [found] =
          await single.query<{ role: string; session: string; id: string; pid: number }[]>(identity);
        expect(found!.role).toBe(found!.session);
        expect(found!.id || null).toBeNull();
        pids.push(found!.pid);
      }
      // One connection indeed, or nothing was shown.
      expect(new Set(pids).size).toBe(1);
    });

    it('serves 50 users at a time, each with their own rows', async () => {
      const users = await Promise.all(Array.from({ length: 50 }, (_, at) => userWith(1 + (at % 5))));
      const read = async (userId: string, isFailing: boolean) => {
        let found: Task[] = [];
        const work = transactions.runAs(userId, async (tx) => {
          found = await tx.find(Task);
          await tx.query('UPDATE tasks SET description = title');
          if (isFailing) throw new Error('thrown');
        });
        await work.catch((error: Error) => expect(error.message).toBe('thrown'));
        return { userId, found };
      };
      const seen: { userId: string; found: Task[] }[] = [];
      for (let round = 0; round < 10; round++)
        seen.push(...(await Promise.all(users.map((userId, at) => read(userId, (at + round) % 3 === 0)))));
      for (const { userId, found } of seen) {
        expect(found).toHaveLength(1 + (users.indexOf(userId) % 5));
        expect(new Set(found.map((task) => task.userId))).toEqual(new Set([userId]));
      }
      const strays = await app.database.query(`SELECT 1 FROM tasks WHERE title <> 'of ' || user_id`);
      expect(strays).toEqual([]);
    });
  });

  it('is tried again after a deadlock, as the same user', async () => {
    let tries = 0;
    const found = await transactions.runAs(ada, async (tx) => {
      if (++tries === 1) await tx.query(`DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '40P01'; END $$`);
      return tx.find(Task);
    });
    expect([tries, found.map(({ userId }) => userId)]).toEqual([2, [ada, ada, ada]]);
  });

  it('is on all tables of users, and on no other: list a new one as USER_OWNED in src/schema/rights.ts', async () => {
    const tables = await app.database.query<{ name: string }>(
      `SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relrowsecurity ORDER BY 1`,
    );
    expect(tables.map(({ name }) => name)).toEqual(USER_OWNED.toSorted());
  });
});

it('is gone round by nobody: tables of users are reached by the manager that runAs gives, not by a repository', async () => {
  const files = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.ts'),
  );
  const source = files.map((file) => readFileSync(join(SOURCES, file), 'utf8')).join('\n');
  const entities = await Promise.all(
    files
      .filter((file) => file.endsWith('.entity.ts'))
      .map((file) => import(join(SOURCES, file)) as Promise<Record<string, { name: string }>>),
  );
  const classes = new Set<unknown>(entities.flatMap((exported) => Object.values(exported)));
  const tables = getMetadataArgsStorage().tables.filter(
    ({ name, target }) => USER_OWNED.includes(name!) && classes.has(target),
  );
  expect([entities.length > 5, tables.length]).toEqual([true, USER_OWNED.length]);
  for (const { target } of tables)
    expect(source).not.toMatch(
      new RegExp(`(InjectRepository|[gG]etRepository(Token)?)\\(${(target as { name: string }).name}\\b`),
    );
});

type TaskManager = Parameters<Parameters<Transactions['runAs']>[1]>[0];

describe('the check of row-level security', () => {
  let database: TestDatabase;

  beforeEach(async () => {
    database = await createDatabase();
  });
  afterEach(() => database.drop());

  const EVERYBODYS = 'USING (true)';
  const OWN = `USING (user_id = NULLIF(current_setting('app.user_id', true), '')::uuid)`;

  it.each([
    ['nothing', 'SELECT', []],
    ['it switched off', 'ALTER TABLE tasks DISABLE ROW LEVEL SECURITY', ['row_security tasks.tasks']],
    ['its owner let off', 'ALTER TABLE tasks NO FORCE ROW LEVEL SECURITY', ['row_security tasks.tasks']],
    ['no policy', 'DROP POLICY own_rows ON tasks', ['missing_policy tasks.own_rows']],
    ['one policy more', `CREATE POLICY more ON tasks ${EVERYBODYS}`, ['extra_policy tasks.more']],
    ['a wider policy', `ALTER POLICY own_rows ON tasks ${EVERYBODYS}`, ['changed_policy tasks.own_rows']],
    ['a wider check', 'ALTER POLICY own_rows ON tasks WITH CHECK (true)', ['changed_policy tasks.own_rows']],
    [
      'a policy for reading only',
      `DROP POLICY own_rows ON tasks; CREATE POLICY own_rows ON tasks FOR SELECT ${OWN}`,
      ['changed_policy tasks.own_rows'],
    ],
    [
      'a policy for some roles',
      'ALTER POLICY own_rows ON tasks TO pg_monitor',
      ['changed_policy tasks.own_rows'],
    ],
    [
      'the same policy without a check of its own',
      `DROP POLICY own_rows ON tasks; CREATE POLICY own_rows ON tasks ${OWN}`,
      [],
    ],
    ['no table', 'DROP TABLE tasks', ['missing_table tasks.tasks']],
  ])('finds %s', async (_, sql, expected) => {
    await database.query(sql);
    const { problems } = await checkSchema(databaseConfig(database.url), ENTITIES);
    expect(problems.map(({ kind, table, name }) => `${kind} ${table}.${name}`)).toEqual(expected);
  });
});

/** Roles are those of a whole server, so what is done to them is done on one of its own. */
describe('on a server of its own', () => {
  let server: EmbeddedPostgres;
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-tenant-'));

  beforeAll(async () => {
    server = await startEmbeddedPostgres({
      dataDir: join(folder, 'postgres'),
      database: 'first',
      durable: false,
    });
  });
  afterAll(async () => {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const urlOf = (database: string, role?: string) => {
    const url = new URL(server.url);
    url.pathname = `/${database}`;
    if (role) [url.username, url.password] = [role, 'of-this-test-7'];
    return url.href;
  };
  const query = async (sql: string, url = server.url) => {
    const client = new Client({ connectionString: url });
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(sql)).rows;
    } finally {
      await client.end();
    }
  };
  const makeDatabaseOf = async (role: string, attributes = '') => {
    await query(`CREATE ROLE ${role} LOGIN PASSWORD 'of-this-test-7' ${attributes}`);
    await query(`CREATE DATABASE ${role} OWNER ${role}`);
    return databaseConfig(urlOf(role, role));
  };

  it('a role that may not create others is told what to run, and goes on when that is done', async () => {
    const config = await makeDatabaseOf('plain');
    // TypeORM prints what failed as well.
    const printed = jest.spyOn(console, 'log').mockImplementation();
    const missing =
      'the role gatehouse_tenant is missing and plain may not create it: as a superuser run deploy/sql/roles.sql, or ' +
      'CREATE ROLE gatehouse_tenant NOLOGIN NOINHERIT; GRANT gatehouse_tenant TO plain;';
    await expect(migrateUp(config)).rejects.toThrow(missing);
    await expect(migrateAtStart(config)).rejects.toThrow(missing);
    await query('CREATE ROLE gatehouse_tenant NOLOGIN NOINHERIT');
    await expect(migrateUp(config)).rejects.toThrow(
      'plain may not become gatehouse_tenant: as a superuser run deploy/sql/roles.sql, or GRANT gatehouse_tenant TO plain;',
    );
    printed.mockRestore();
    await query('GRANT gatehouse_tenant TO plain');
    expect((await migrateUp(config))[0]).toMatch(/^CreateTasks/);
    expect((await checkSchema(config, ENTITIES)).problems).toEqual([]);
    await query('DROP OWNED BY gatehouse_tenant', urlOf('plain'));
    await query('DROP ROLE gatehouse_tenant');
  });

  it('migrations of several databases make the role at the same time', async () => {
    const names = ['second', 'third', 'fourth', 'fifth'];
    for (const name of names) await query(`CREATE DATABASE ${name}`);
    await Promise.all(names.map((name) => migrateUp(databaseConfig(urlOf(name)))));
    for (const name of names)
      expect((await checkSchema(databaseConfig(urlOf(name)), ENTITIES)).problems).toEqual([]);
    for (const name of names) await query('DROP OWNED BY gatehouse_tenant', urlOf(name));
    await query('DROP ROLE gatehouse_tenant');
    // All at once, which migrations hardly ever are.
    const [statement] = await tenantStatements();
    for (let round = 0; round < 5; round++) {
      await Promise.all(Array.from({ length: 12 }, (_, at) => query(statement!, urlOf(names[at % 4]!))));
      await query('DROP ROLE gatehouse_tenant');
    }
  });

  it('a role that may create others needs nobody, and serves as the tenant of what it owns', async () => {
    const config = await makeDatabaseOf('maker', 'CREATEROLE');
    await migrateUp(config);
    expect((await checkSchema(config, ENTITIES)).problems).toEqual([]);
    const id = newId();
    await query(
      `INSERT INTO users (id, email, email_canonical, password_hash, created_at, updated_at)
       VALUES ('${id}', 'ada@example.org', 'ada@example.org', '!', now(), now())`,
      config.url,
    );
    const app = await TestApp.start({
      database: { url: config.url, query: () => Promise.resolve([]), drop: () => Promise.resolve() },
    });
    const task: Task = {
      id: newId(),
      userId: id,
      title: 'Mine',
      description: '',
      completed: false,
      createdAt: new Date(),
      updatedAt: new Date(),
    };
    const found = await app.nest.get(Transactions).runAs(id, async (tx) => {
      await tx.insert(Task, task);
      return tx.find(Task);
    });
    await app.close();
    expect(found).toEqual([task]);
    // The owner itself has none of its rows, and deleting the user takes them along nevertheless.
    expect(await query('SELECT * FROM tasks', config.url)).toEqual([]);
    await query(`DELETE FROM users WHERE id = '${id}'`, config.url);
    expect(await query('SELECT * FROM tasks', urlOf('maker'))).toEqual([]);
  });

  it('a tenant that is more than it may be, or is not there, is found by the check', async () => {
    const config = databaseConfig(urlOf('maker'));
    const found = async () =>
      (await checkSchema(config, ENTITIES)).problems.map(({ kind, name }) => `${kind} ${name}`);
    expect(await found()).toEqual([]);
    for (const [wrong, right] of [
      ['BYPASSRLS', 'NOBYPASSRLS'],
      ['SUPERUSER', 'NOSUPERUSER'],
      ['LOGIN', 'NOLOGIN'],
      ['CREATEROLE', 'NOCREATEROLE'],
    ]) {
      await query(`ALTER ROLE gatehouse_tenant ${wrong}`);
      expect([wrong, await found()]).toEqual([wrong, ['unsafe_role gatehouse_tenant']]);
      await query(`ALTER ROLE gatehouse_tenant ${right}`);
    }
    await query('GRANT pg_read_all_data TO gatehouse_tenant');
    expect(await found()).toEqual(['unsafe_role gatehouse_tenant']);
    await query('ALTER ROLE gatehouse_tenant RENAME TO gone');
    expect(await found()).toEqual(['missing_role gatehouse_tenant']);
  });
});

/** What the migration says about the role, as it is sent. */
async function tenantStatements(): Promise<string[]> {
  const sent: string[] = [];
  await new CreateTasks1795219208000().up({
    query: (sql: string) => Promise.resolve(sent.push(sql)),
  } as never);
  return sent;
}
