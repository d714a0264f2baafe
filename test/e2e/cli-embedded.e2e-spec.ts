import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isAlive } from '../../src/database/embedded/process';
import { freshEmail, PASSWORD } from '../support/actors';
import { runCli } from '../support/cli';
import { Http } from '../support/http';
import { newFolder, Server } from '../support/server';

jest.setTimeout(180_000);

describe('gatehouse in a checkout without any setting', () => {
  const folder = newFolder();
  let server: Server | undefined;

  afterAll(async () => {
    await server?.stop('SIGKILL');
    rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  });

  const pidFile = join(folder, '.data', 'postgres', 'cluster', 'data', 'postmaster.pid');
  const postgres = () => Number.parseInt(readFileSync(pidFile, 'utf8'), 10);
  const cli = (args: string[], input?: string) => runCli(args, {}, { folder, input });

  it('runs the embedded PostgreSQL for as long as a command takes', async () => {
    expect(await cli(['db', 'migrate'])).toMatchObject({ code: 0, stderr: '' });
    expect(existsSync(pidFile)).toBe(false);
    expect(await cli(['users', 'list'])).toMatchObject({ code: 0 });
    expect(existsSync(pidFile)).toBe(false);
  });

  it('commands that need no database leave it alone', async () => {
    const fresh = newFolder();
    expect(await runCli(['keys', 'list'], {}, { folder: fresh })).toMatchObject({ code: 0 });
    expect(existsSync(join(fresh, '.data', 'postgres'))).toBe(false);
    rmSync(fresh, { recursive: true, force: true });
  });

  it('uses that of the running server, starts no second one, and leaves it running', async () => {
    server = await Server.start({ RATE_LIMITS: 'off', LOG_LEVEL: 'silent' }, folder);
    const pid = postgres();
    const email = freshEmail();
    const http = new Http(server.baseUrl);
    expect(await cli(['users', 'create', email, '--verified', '--password-stdin'], PASSWORD)).toMatchObject({
      code: 0,
    });
    const { status, body } = await http.post('/api/auth/login', { email, password: PASSWORD });
    expect(status).toBe(200);
    const token = body.access_token as string;
    expect((await http.get('/api/auth/profile', { token })).status).toBe(200);

    expect(await cli(['users', 'disable', email])).toMatchObject({ code: 0 });
    expect((await http.get('/api/auth/profile', { token })).status).toBe(401);
    expect([postgres(), isAlive(pid)]).toEqual([pid, true]);
    expect(await server.stop()).toBe(0);
  });

  it('of several at once all get their answer: one runs the database, the others share it or wait for it', async () => {
    const runs = await Promise.all([1, 2, 3].map(() => cli(['users', 'list', '--json'])));
    expect(runs.map(({ code, stderr }) => [code, stderr])).toEqual([
      [0, ''],
      [0, ''],
      [0, ''],
    ]);
    expect(existsSync(pidFile)).toBe(false);
  });
});
