import { EXIT } from '../../src/cli/exit-codes';
import { TestApp } from '../support/app';
import { freshEmail, PASSWORD, unverified } from '../support/actors';
import { cliOf } from '../support/cli';
import { createDatabase } from '../support/database';
import { MailServer } from '../support/mail-server';

jest.setTimeout(120_000);

interface Parked {
  letters: { id: string; template: string; userId: string; tries: number; reason: Record<string, unknown> }[];
}

describe('gatehouse mail', () => {
  const server = new MailServer();
  let smtpUrl: string;
  let app: TestApp;
  let cli: ReturnType<typeof cliOf>;

  beforeAll(async () => {
    smtpUrl = await server.listen();
    app = await TestApp.start({ smtpUrl });
    cli = cliOf(app.database.url, { SMTP_URL: smtpUrl });
  });
  beforeEach(() => {
    server.behaviour = () => undefined;
  });
  afterAll(async () => {
    await app?.close();
    await server.close();
  });

  const refuse = () => {
    server.behaviour = (moment) => (moment === 'recipient' ? '550 5.1.1 nobody here' : undefined);
  };
  const park = async (count: number) => {
    refuse();
    const actors: { email: string; id: string }[] = [];
    for (let made = 0; made < count; made++) {
      const email = freshEmail();
      const { body } = await app.http.post<{ user: { id: string } }>('/api/auth/register', {
        email,
        password: PASSWORD,
      });
      actors.push({ email, id: body.user.id });
    }
    const isParked = async () => {
      const ids = actors.map(({ id }) => id);
      const rows = await app.database.query(
        `SELECT 1 FROM pgboss.job WHERE name = 'mail-parked' AND data->>'userId' = ANY ($1)`,
        [ids],
      );
      return rows.length === count;
    };
    await until(isParked);
    return actors;
  };
  const until = async (isSo: () => Promise<boolean> | boolean) => {
    for (let tries = 0; tries < 600; tries++) {
      if (await isSo()) return;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    throw new Error('that did not come true within 15 s');
  };

  it('parked lists what was given up: whose letter, why, and no address', async () => {
    const [actor] = await park(1);
    const { letters } = await cli.json<Parked>(['mail', 'parked']);
    expect(letters).toEqual([
      expect.objectContaining({
        template: 'verify-email',
        userId: actor!.id,
        tries: 1,
        reason: expect.objectContaining({ smtpCode: 550 }) as unknown,
      }),
    ]);
    const { stdout } = await cli.run(['mail', 'parked']);
    expect(stdout).toContain('smtpCode=550');
    expect(stdout).not.toContain(actor!.email);
  });

  it('retry puts one of them back, and a server sends it; --all the others', async () => {
    const [one, ...others] = await park(3);
    const { letters } = await cli.json<Parked>(['mail', 'parked']);
    const letter = letters.find(({ userId }) => userId === one!.id)!;
    server.behaviour = () => undefined;

    expect(await cli.run(['mail', 'retry', letter.id])).toMatchObject({
      code: 0,
      stdout: '1 letter to be sent again\n',
    });
    await until(() => server.to(one!.email).length === 1);
    expect(others.map(({ email }) => server.to(email).length)).toEqual([0, 0]);
    // It is on its way: there is nothing of this id to send again.
    expect(await cli.run(['mail', 'retry', letter.id])).toMatchObject({
      code: EXIT.failure,
      stderr: 'no letter of this id is parked\n',
    });

    // Those two, and the one of the test before.
    expect(await cli.json(['mail', 'retry', '--all'])).toEqual({ retried: 3 });
    await until(() => others.every(({ email }) => server.to(email).length === 1));
    expect((await cli.json<Parked>(['mail', 'parked'])).letters).toEqual([]);
    expect(await cli.json(['mail', 'retry', '--all'])).toEqual({ retried: 0 });
    const recorded = await app.database.query<{ user_id: string | null }>(
      `SELECT user_id FROM audit_events WHERE action = 'mail.retried' ORDER BY created_at, id`,
    );
    expect(recorded.map(({ user_id: userId }) => userId)).toEqual([one!.id, null]);
  });

  it('a letter that is sent again has all its tries before it, and is parked again if it is refused for good', async () => {
    const [actor] = await park(1);
    expect(await cli.json(['mail', 'retry', '--all'])).toEqual({ retried: 1 });
    await until(async () => (await cli.json<Parked>(['mail', 'parked'])).letters.length === 1);
    const { letters } = await cli.json<Parked>(['mail', 'parked']);
    expect(letters[0]).toMatchObject({ userId: actor!.id, reason: { smtpCode: 550 } });
    server.behaviour = () => undefined;
    await cli.json(['mail', 'retry', '--all']);
    await until(() => server.to(actor!.email).length === 1);
  });

  it('never works a job itself: with no server running all of them wait', async () => {
    const database = await createDatabase();
    const here = cliOf(database.url, { SMTP_URL: smtpUrl });
    const email = freshEmail();
    const { id } = await here.json(['users', 'create', email, '--verified', '--password-stdin'], {
      input: PASSWORD,
    });
    await here.json(['users', 'create', freshEmail(), '--password-stdin'], { input: PASSWORD });
    await database.query(
      `INSERT INTO pgboss.job (name, data) SELECT name, '{}' FROM pgboss.queue WHERE name LIKE 'purge-%'`,
    );
    // Something that takes its time, in which workers would have looked for jobs.
    await database.query(
      `INSERT INTO sessions (id, user_id, transport, secret_hash, ip, created_at, last_used_at, authenticated_at, expires_at)
       SELECT gen_random_uuid(), $1, 'bearer', 'x', '10.0.0.1', now(), now(), now(), now() + interval '1 day'
       FROM generate_series(1, 3000)`,
      [id],
    );
    const { milliseconds } = await here.run(['sessions', 'revoke', '--all-users', '--yes']);
    expect(milliseconds).toBeGreaterThan(1_000);
    const states = await database.query('SELECT DISTINCT state FROM pgboss.job');
    expect(states).toEqual([{ state: 'created' }]);
    expect(await database.query('SELECT 1 FROM pgboss.schedule')).toEqual([]);
    expect(server.letters.map(({ to }) => to)).not.toContain(email);
    await database.drop();
  });

  describe('test', () => {
    it('sends one letter at once and says what the server answered', async () => {
      server.behaviour = (moment) => (moment === 'letter' ? '250 2.0.0 taken as 4711' : undefined);
      const email = freshEmail();
      const { code, stdout, stderr } = await cli.run(['mail', 'test', email]);
      expect([code, stderr]).toEqual([0, '']);
      expect(stdout).toBe('taken by the mail server: 250 2.0.0 taken as 4711\n');
      expect(server.to(email)).toHaveLength(1);
      expect(server.to(email)[0]!.mail.text).toContain('http://localhost:3000');
    });

    it('needs no database', async () => {
      const here = cliOf('postgres://127.0.0.1:1/gate', { SMTP_URL: smtpUrl });
      expect(await here.json(['mail', 'test', freshEmail()])).toMatchObject({ answer: '250 taken' });
    });

    it.each([
      [
        'greeting',
        '421 4.3.2 come back later',
        EXIT.unavailable,
        'the mail server refused: 421 4.3.2 come back later',
      ],
      ['recipient', '550 5.1.1 nobody here', EXIT.failure, 'the mail server refused: 550 5.1.1 nobody here'],
      ['greeting', 'drop', EXIT.unavailable, 'the mail server cannot be reached: '],
    ] as const)('on %s %s ends with %i', async (at, reply, exitCode, words) => {
      server.behaviour = (moment) => (moment === at ? reply : undefined);
      const { code, stdout, stderr } = await cli.run(['mail', 'test', freshEmail()]);
      expect([code, stdout]).toEqual([exitCode, '']);
      expect(stderr).toContain(words);
      expect(stderr.trim().split('\n')).toHaveLength(1);
    });

    it('where nobody listens ends with 69, and without SMTP_URL with 78', async () => {
      const away = cliOf(app.database.url, { SMTP_URL: 'smtp://ada:hunter2@127.0.0.1:1' });
      const { code, stderr } = await away.run(['mail', 'test', freshEmail()]);
      expect(code).toBe(EXIT.unavailable);
      expect(stderr).toContain('ECONNREFUSED');
      expect(stderr).not.toContain('hunter2');
      expect(await cliOf(app.database.url).run(['mail', 'test', freshEmail()])).toMatchObject({
        code: EXIT.configuration,
        stderr: expect.stringContaining('/dev/mailbox') as unknown,
      });
    });
  });

  it('a letter that a command promises goes where every other does', async () => {
    const owner = await unverified(app);
    await until(() => server.to(owner.email).length === 1);
    const email = freshEmail();
    await cli.json(['users', 'create', email, '--password-stdin'], { input: PASSWORD });
    await until(() => server.to(email).length === 1);
    expect(server.to(email)[0]!.mail.subject).toBe(server.to(owner.email)[0]!.mail.subject);
  });
});
