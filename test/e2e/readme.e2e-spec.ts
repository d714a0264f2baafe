import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createDatabase, type TestDatabase } from '../support/database';
import { Server } from '../support/server';

/** The commands of README's tour, in order, as a reader would paste them. */
function tour(): string[] {
  const readme = readFileSync(join(__dirname, '../../README.md'), 'utf8');
  const section = /## Five minutes with curl\n([\s\S]+?)\n## /.exec(readme)![1]!;
  return [...section.matchAll(/```sh\n([\s\S]+?)```/g)].map(([, block]) => block!);
}

describe('README: five minutes with curl', () => {
  let database: TestDatabase;
  let server: Server;

  beforeAll(async () => {
    database = await createDatabase();
    server = await Server.start({ DATABASE_URL: database.url });
  });
  afterAll(async () => {
    await server.stop();
    server.removeFolder();
    await database.drop();
  });

  it('does what it says when pasted into a shell', () => {
    const blocks = tour();
    expect(blocks).toHaveLength(5);
    const script = blocks
      .map((block, number) => `echo; echo "=== ${number}"\n${block}`)
      .join('\n')
      .replaceAll('http://localhost:3000', server.baseUrl);
    const output = execFileSync('bash', ['-e', '-c', script], { encoding: 'utf8' });
    const [, registered, verified, login, used, loggedOut] = output.split(/\n=== \d\n/);
    expect(JSON.parse(registered!)).toMatchObject({
      user: { email: 'ada@example.org' },
      verificationRequired: true,
    });
    expect(JSON.parse(verified!)).toMatchObject({ user: { emailVerified: true } });
    expect(login!.trim()).toBe('');
    expect(used).toMatch(/"name":"Ada".*"name":"Ada Lovelace"/s);
    expect(loggedOut).toMatch(/You are logged out.*"code":"session_revoked"/s);
  });

  it('lists every route of the OpenAPI document, and no other', async () => {
    const response = await fetch(`${server.baseUrl}/openapi.json`);
    const { paths } = (await response.json()) as { paths: Record<string, object> };
    const readme = readFileSync(join(__dirname, '../../README.md'), 'utf8');
    const table = /## Endpoints\n([\s\S]+?)\n## /.exec(readme)![1]!;
    for (const path of Object.keys(paths)) expect(table).toContain(path.replace(/^\/health\//, '/health/'));
    for (const [, method, path] of table.matchAll(/`(GET|POST|PUT|DELETE) (\/api[^`]*)`/g))
      expect(paths[path!]).toHaveProperty(method!.toLowerCase());
  });
});
