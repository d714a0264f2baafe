import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { freshEmail, PASSWORD } from '../support/actors';
import { TestApp } from '../support/app';
import { createDatabase, type TestDatabase } from '../support/database';

describe('a service whose job queue cannot begin when it starts', () => {
  let database: TestDatabase;
  let app: TestApp;
  let other: Client;

  beforeAll(async () => {
    database = await createDatabase();
    other = new Client({ connectionString: database.url });
    await other.connect();
    // For longer than the service waits for any lock.
    await other.query('BEGIN; LOCK TABLE pgboss.version IN ACCESS EXCLUSIVE MODE');
    app = await TestApp.start({ database, env: { DATABASE_POOL_MAX: '3' } });
  });
  afterAll(async () => {
    await app.close();
    await database.drop();
  });

  const registerAll = (emails: string[]) =>
    Promise.all(
      emails.map(async (email) => {
        const { status, body } = await app.http.post('/api/auth/register', { email, password: PASSWORD });
        return body.code ?? status;
      }),
    );

  it('is there, and promises no letter: at once, to more people than it has connections', async () => {
    expect((await app.http.get('/health/ready')).status).toBe(200);
    const startedAt = performance.now();
    expect(await registerAll(emails(20))).toEqual(Array(20).fill('unavailable'));
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    expect(await database.query('SELECT id FROM users')).toEqual([]);
  });

  it('promises and sends them as soon as it can', async () => {
    await other.query('COMMIT');
    await other.end();
    const people = emails(20);
    for (const until = Date.now() + 10_000; Date.now() < until; await sleep(100))
      if ((await registerAll(people.slice(0, 1)))[0] === 201) break;
    expect(await registerAll(people.slice(1))).toEqual(Array(19).fill(201));
    for (const email of people) await app.mailbox.waitFor(email);
  });
});

const emails = (count: number) => Array.from({ length: count }, freshEmail);
