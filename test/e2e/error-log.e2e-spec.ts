import { Client } from 'pg';
import { freshEmail, PASSWORD } from '../support/actors';
import { TEST_SECRET } from '../support/app';
import { createDatabase, type TestDatabase } from '../support/database';
import { Http } from '../support/http';
import { Server } from '../support/server';

describe('the log of a query that failed', () => {
  let database: TestDatabase;
  let server: Server;

  beforeAll(async () => {
    database = await createDatabase();
    const settings = { DATABASE_URL: database.url, JWT_SECRET: TEST_SECRET, LOG_FORMAT: 'json' };
    server = await Server.start({ ...settings, LOG_LEVEL: 'trace' });
  });
  afterAll(async () => {
    await server.stop();
    server.removeFolder();
    await database.drop();
  });

  it('says why and where, and neither the address nor the password hash that the query carried', async () => {
    const email = freshEmail();
    const blocker = new Client({ connectionString: database.url });
    await blocker.connect();
    await blocker.query('BEGIN; LOCK TABLE users IN SHARE MODE');
    const { status } = await new Http(server.baseUrl).post('/api/auth/register', {
      email,
      password: PASSWORD,
    });
    await blocker.end();
    expect(status).toBe(503);
    await server.stop();
    const lines = server.output.split('\n').filter((line) => line.includes('"event":"request.failed"'));
    expect(lines).toHaveLength(1);
    const { err } = JSON.parse(lines[0]!) as { err: Record<string, string> };
    expect(err).toEqual({
      type: 'QueryFailedError',
      code: '55P03',
      stack: expect.stringContaining('auth-registration.js') as string,
    });
    for (const secret of [email, 'bcrypt', '$2b$', PASSWORD]) expect(server.output).not.toContain(secret);
  });
});
