import { failuresOfAddress } from '../../src/auth/back-off/failure-ids';
import { TestApp } from '../support/app';
import { freshEmail, loggedIn, login, PASSWORD, unverified, verified } from '../support/actors';
import { cliOf } from '../support/cli';
import { HOUR } from '../support/clock';

const NEW_PASSWORD = 'another staple 9 meadow?';
const NOBODY = '01a1fe4f-05ff-74a6-95c6-45d483a7f89a';

jest.setTimeout(120_000);

describe('gatehouse users', () => {
  let app: TestApp;
  let other: TestApp;
  let cli: ReturnType<typeof cliOf>;

  beforeAll(async () => {
    app = await TestApp.start();
    other = await TestApp.start({ database: app.database, clock: app.clock });
    cli = cliOf(app.database.url);
  });
  afterAll(async () => {
    await other?.close();
    await app?.close();
  });

  const use = async (replica: TestApp, token: string) => {
    const { status, body } = await replica.http.get('/api/auth/profile', { token });
    return [status, body.code];
  };
  const tryLogin = async (email: string, password: string) => {
    const { status, body } = await app.http.post('/api/auth/login', { email, password });
    return [status, body.code];
  };
  const events = async (userId: string) => {
    const rows = await app.database.query<{ action: string; ip: string | null }>(
      'SELECT action, ip FROM audit_events WHERE user_id = $1 ORDER BY created_at, id',
      [userId],
    );
    return rows.map(({ action, ip }) => (ip === null ? action : `${action} by a client`));
  };
  /** As ten wrong passwords do. */
  const block = (email: string) =>
    app.database.query(
      `INSERT INTO login_failures VALUES ($1, 10, 10, now(), now() + interval '10 minutes')`,
      [failuresOfAddress(email)],
    );
  const rowOf = async (id: string) =>
    (await app.database.query('SELECT * FROM users WHERE id = $1', [id]))[0] as Record<string, unknown>;

  describe('create', () => {
    it('makes an account by a password from stdin, and the servers send the letter', async () => {
      const email = freshEmail();
      const { code, stdout, stderr } = await cli.run(
        ['users', 'create', email, '--name', 'Ada Lovelace', '--password-stdin'],
        { input: `${PASSWORD}\n` },
      );
      expect([code, stderr]).toEqual([0, '']);
      const [, id] = /^created ([\da-f-]{36}) \(.+, a letter is on its way\)\n$/.exec(stdout)!;
      expect(await events(id!)).toEqual(['account.created']);
      expect(await rowOf(id!)).toMatchObject({ email, name: 'Ada Lovelace', email_verified_at: null });
      expect(await tryLogin(email, PASSWORD)).toEqual([403, 'email_not_verified']);

      const { token } = await app.mailbox.waitFor(email);
      expect((await app.http.post('/api/auth/verify', { token })).status).toBe(200);
      expect((await tryLogin(email, PASSWORD))[0]).toBe(200);
    });

    it('--verified vouches for the address: the owner logs in at once, no letter is promised', async () => {
      const email = freshEmail();
      const account = await cli.json(['users', 'create', email, '--verified', '--password-stdin'], {
        input: PASSWORD,
      });
      expect(account).toMatchObject({ email, name: null, isActive: true });
      expect(Object.keys(account).filter((name) => /password|hash/i.test(name))).toEqual([]);
      expect((await tryLogin(email, PASSWORD))[0]).toBe(200);
      const jobs = await app.database.query(
        `SELECT 1 FROM pgboss.job WHERE name = 'mail' AND data->>'userId' = $1 AND data->>'template' = 'verify-email'`,
        [account.id],
      );
      expect(jobs).toEqual([]);
    });

    it('takes the password as it is: blanks and further line breaks belong to it', async () => {
      const email = freshEmail();
      const password = ` ${PASSWORD} \n`;
      await cli.json(['users', 'create', email, '--verified', '--password-stdin'], {
        input: `${password}\r\n`,
      });
      expect((await tryLogin(email, PASSWORD))[0]).toBe(401);
      expect((await tryLogin(email, password))[0]).toBe(200);
    });

    it('keeps the policy, naming every broken rule and not the password', async () => {
      const email = freshEmail();
      const { code, stdout, stderr } = await cli.run(['users', 'create', email, '--password-stdin'], {
        input: 'zqxjkvw',
      });
      expect([code, stdout]).toEqual([1, '']);
      expect(stderr.split('\n')).toEqual([
        'password must have at least 8 characters',
        'password must contain a digit',
        'password must contain a special character, such as a space or a punctuation mark',
        '',
      ]);
      expect(await app.database.query('SELECT 1 FROM users WHERE email = $1', [email])).toEqual([]);
    });

    it('of 5 at once one wins; the others say that the address is taken, and change nothing', async () => {
      const email = freshEmail();
      const runs = await Promise.all(
        [email, email.toUpperCase(), email, email, email].map((spelling) =>
          cli.run(['users', 'create', spelling, '--password-stdin'], { input: PASSWORD }),
        ),
      );
      expect(runs.map(({ code }) => code).sort()).toEqual([0, 1, 1, 1, 1]);
      expect(new Set(runs.map(({ stderr }) => stderr))).toEqual(
        new Set(['', 'an account with this email address exists already\n']),
      );
      const [user] = await app.database.query<{ id: string }>(
        'SELECT id FROM users WHERE email_canonical = $1',
        [email],
      );
      expect(await events(user!.id)).toEqual(['account.created']);
    });
  });

  describe('list and show', () => {
    it('goes page by page in the order of sign-up, and says what comes next', async () => {
      const all = await app.database.query<{ id: string }>('SELECT id FROM users ORDER BY id');
      const seen: string[] = [];
      let next: string | null = null;
      do {
        const page: { users: { id: string }[]; next: string | null } = await cli.json([
          'users',
          'list',
          '--limit',
          '3',
          ...(next ? ['--after', next] : []),
        ]);
        expect(page.users.length).toBeLessThanOrEqual(3);
        seen.push(...page.users.map(({ id }) => id));
        next = page.next;
      } while (next);
      expect(seen).toEqual(all.map(({ id }) => id));
    });

    it('--search finds part of an address or a name as it is written, wildcards and quotes included', async () => {
      const stamp = Date.now();
      const { id, email } = await unverified(app, `needle_${stamp}@example.org`);
      await unverified(app, `needleX${stamp}@example.org`);
      await app.database.query(`UPDATE users SET name = 'Öl 100% d''Or' WHERE id = $1`, [id]);
      const found = async (search: string) => {
        const { users } = await cli.json<{ users: { id: string }[] }>(['users', 'list', '--search', search]);
        return users.map((user) => user.id);
      };
      expect(await found(email.slice(0, 12).toUpperCase())).toEqual([id]);
      expect(await found("100% d'o")).toEqual([id]);
      expect(await found('needle_')).toEqual([id]);
      expect(await found('needle\\')).toEqual([]);
      expect(await found('%')).toEqual([id]);
    });

    it('shows the sessions and the block that keeps the owner out', async () => {
      const { id, email } = await loggedIn(app);
      await block(email);
      const { code, stdout } = await cli.run(['users', 'show', email]);
      expect(code).toBe(0);
      expect(stdout).toContain(`id                      ${id}\n`);
      const shown = await cli.json<{ loginBlockedForSeconds: number }>(['users', 'show', id]);
      expect(shown).toMatchObject({ id, email, isActive: true, liveSessions: 1 });
      expect(shown.loginBlockedForSeconds).toBeGreaterThan(0);
    });

    it('tells an unknown account from what cannot be one', async () => {
      expect(await cli.run(['users', 'show', 'nobody@example.org'])).toMatchObject({
        code: 1,
        stdout: '',
        stderr: 'there is no such account\n',
      });
      expect(await cli.run(['users', 'show', NOBODY])).toMatchObject({ code: 1 });
      expect(await cli.run(['users', 'show', 'ada'])).toMatchObject({
        code: 2,
        stderr: expect.stringContaining("'user' must be") as unknown,
      });
    });
  });

  describe('disable and enable', () => {
    it('ends every session on every replica before it returns, and logins with them', async () => {
      const owner = await loggedIn(app);
      const elsewhere = await login(other, owner);
      // Both are hot: answered from memory, without a query.
      expect([await use(app, owner.token), await use(other, elsewhere.token)]).toEqual([
        [200, undefined],
        [200, undefined],
      ]);

      const { code, stdout } = await cli.run(['users', 'disable', owner.email]);
      expect([code, stdout]).toEqual([0, `disabled, 2 sessions ended: ${owner.id} (${owner.email})\n`]);
      for (const replica of [app, other])
        for (const { token } of [owner, elsewhere])
          expect(await use(replica, token)).toEqual([401, 'session_revoked']);
      expect((await app.http.post('/api/auth/refresh', { refresh_token: owner.refreshToken })).status).toBe(
        401,
      );
      expect(await tryLogin(owner.email, PASSWORD)).toEqual([403, 'account_disabled']);

      expect(await cli.json(['users', 'disable', owner.id])).toMatchObject({
        isChanged: false,
        endedSessions: 0,
      });
      expect(await cli.json(['users', 'enable', owner.id])).toMatchObject({
        isActive: true,
        isChanged: true,
      });
      expect(await cli.json(['users', 'enable', owner.id])).toMatchObject({ isChanged: false });
      expect((await tryLogin(owner.email, PASSWORD))[0]).toBe(200);
      // What has ended stays ended.
      expect((await use(app, owner.token))[0]).toBe(401);
      expect((await events(owner.id)).filter((event) => !event.endsWith('by a client'))).toEqual([
        'session.revoked',
        'session.revoked',
        'account.disabled',
        'account.enabled',
      ]);
    });

    it('beside 50 logins at once leaves none behind', async () => {
      const owner = await verified(app);
      const logins = Array.from({ length: 50 }, (_, at) =>
        (at % 2 ? app : other).http.post('/api/auth/login', { email: owner.email, password: PASSWORD }),
      );
      const [disabled, ...answers] = await Promise.all([cli.json(['users', 'disable', owner.id]), ...logins]);
      expect(disabled).toMatchObject({ isChanged: true });
      expect(answers.filter(({ status }) => ![200, 403, 503].includes(status))).toEqual([]);
      for (const { status, body } of answers)
        if (status === 200) expect((await use(app, body.access_token as string))[0]).toBe(401);
      expect(
        await app.database.query('SELECT 1 FROM sessions WHERE user_id = $1 AND revoked_at IS NULL', [
          owner.id,
        ]),
      ).toEqual([]);
    });
  });

  describe('set-password', () => {
    it('replaces the password and ends sessions, mailed links, a pending address and the count of wrong ones', async () => {
      const owner = await loggedIn(app);
      await app.http.post('/api/auth/reset-request', { email: owner.email });
      const { token: link } = await app.mailbox.waitFor(owner.email, 2);
      await app.database.query(`UPDATE users SET pending_email = 'thief@example.org' WHERE id = $1`, [
        owner.id,
      ]);
      await block(owner.email);
      // Even the right one.
      expect((await tryLogin(owner.email, PASSWORD))[0]).toBe(401);

      const { code, stdout } = await cli.run(['users', 'set-password', owner.id, '--password-stdin'], {
        input: NEW_PASSWORD,
      });
      expect([code, stdout]).toEqual([0, `password set, 1 session ended: ${owner.id} (${owner.email})\n`]);
      expect(await use(app, owner.token)).toEqual([401, 'session_revoked']);
      expect(await use(other, owner.token)).toEqual([401, 'session_revoked']);
      expect((await tryLogin(owner.email, NEW_PASSWORD))[0]).toBe(200);
      expect((await tryLogin(owner.email, PASSWORD))[0]).toBe(401);
      const reset = { token: link, password: 'yet another 5 garden!' };
      expect((await app.http.post('/api/auth/reset-confirm', reset)).body.code).toBe('token_invalid');
      expect(await rowOf(owner.id)).toMatchObject({ pending_email: null });
      expect(await events(owner.id)).toContain('password.set');
    });

    it('keeps the policy with regard to the owner, and changes nothing', async () => {
      const owner = await loggedIn(app, 'grace.hopper.1906@example.org');
      const { code, stderr } = await cli.run(['users', 'set-password', owner.email, '--password-stdin'], {
        input: 'grace.hopper.1906@example.org',
      });
      expect([code, stderr]).toEqual([
        1,
        'password must not be the email address or the part before its @\n',
      ]);
      expect((await use(app, owner.token))[0]).toBe(200);
      expect((await tryLogin(owner.email, PASSWORD))[0]).toBe(200);
    });

    it.each([
      ['nothing', '', '--password-stdin: stdin is empty\n'],
      ['a line break', '\n', '--password-stdin: stdin is empty\n'],
      ['another encoding', Buffer.from([0x70, 0xe9, 0x31, 0x21]), '--password-stdin: stdin is not UTF-8\n'],
      ['a whole file', 'x'.repeat(5_000), '--password-stdin takes a password, not more than 4096 bytes\n'],
    ])('refuses %s on stdin', async (_, input, stderr) => {
      expect(await cli.run(['users', 'set-password', NOBODY, '--password-stdin'], { input })).toMatchObject({
        code: 2,
        stdout: '',
        stderr,
      });
    });

    it('does not take a password that nobody offered: without a terminal it wants --password-stdin', async () => {
      expect(await cli.run(['users', 'set-password', NOBODY], { input: PASSWORD })).toMatchObject({
        code: 2,
        stderr: expect.stringContaining('--password-stdin') as unknown,
      });
    });
  });

  it('verify vouches for an address, once', async () => {
    const owner = await unverified(app);
    expect(await tryLogin(owner.email, PASSWORD)).toEqual([403, 'email_not_verified']);
    const { code, stdout } = await cli.run(['users', 'verify', owner.email]);
    expect([code, stdout]).toEqual([0, `verified: ${owner.id} (${owner.email})\n`]);
    expect((await tryLogin(owner.email, PASSWORD))[0]).toBe(200);
    expect(await cli.json(['users', 'verify', owner.id])).toMatchObject({ isChanged: false });
    expect((await events(owner.id)).filter((event) => event === 'email.vouched_for')).toHaveLength(1);
  });

  describe('delete', () => {
    it('removes the account and all that is its own; its events lose addresses and devices', async () => {
      const owner = await loggedIn(app);
      expect((await use(other, owner.token))[0]).toBe(200);
      expect(await cli.run(['users', 'delete', owner.email])).toMatchObject({
        code: 2,
        stderr: expect.stringContaining('--yes') as unknown,
      });
      expect(await cli.json(['users', 'delete', owner.email, '--yes'])).toMatchObject({ isDeleted: true });
      for (const replica of [app, other])
        expect(await use(replica, owner.token)).toEqual([401, 'session_revoked']);
      for (const table of ['sessions', 'reset_tokens', 'verification_tokens', 'security_notices'])
        expect(await app.database.query(`SELECT 1 FROM ${table} WHERE user_id = $1`, [owner.id])).toEqual([]);
      expect(await rowOf(owner.id)).toBeUndefined();
      const traces = await app.database.query(
        'SELECT 1 FROM audit_events WHERE user_id = $1 AND (ip IS NOT NULL OR user_agent IS NOT NULL)',
        [owner.id],
      );
      expect(traces).toEqual([]);
      expect(await events(owner.id)).toContain('account.deleted');
      expect(await unverified(app, owner.email)).toMatchObject({ email: owner.email });
    });
  });

  describe('gatehouse sessions', () => {
    it('list shows where somebody is logged in, and no secret', async () => {
      const owner = await loggedIn(app);
      await app.http.get('/api/auth/profile', { token: owner.token });
      const { sessions } = await cli.json<{ sessions: Record<string, unknown>[] }>([
        'sessions',
        'list',
        owner.email,
      ]);
      expect(sessions).toHaveLength(1);
      expect(Object.keys(sessions[0]!).sort()).toEqual(
        ['createdAt', 'expiresAt', 'id', 'ip', 'lastUsedAt', 'transport', 'userAgent'].sort(),
      );
      const { stdout } = await cli.run(['sessions', 'list', owner.id]);
      expect(stdout.split('\n')[1]).toContain(`${sessions[0]!.id as string}  bearer`);
    });

    it('a User-Agent cannot steer the terminal of the operator', async () => {
      const owner = await verified(app);
      await app.http.post(
        '/api/auth/login',
        { email: owner.email, password: PASSWORD },
        { headers: { 'User-Agent': 'nice\u009b31m\u0085browser' } },
      );
      const { stdout } = await cli.run(['sessions', 'list', owner.id]);
      expect(stdout).toContain('nice?31m?browser');
      expect(stdout.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
    });

    it('revoke ends one session everywhere and leaves the others', async () => {
      const owner = await loggedIn(app);
      const second = await login(other, owner);
      const { sessions } = await cli.json<{ sessions: { id: string; createdAt: string }[] }>([
        'sessions',
        'list',
        owner.id,
      ]);
      const [oldest] = sessions.toSorted((a, b) => a.id.localeCompare(b.id));
      expect((await use(other, owner.token))[0]).toBe(200);
      expect(await cli.json(['sessions', 'revoke', oldest!.id])).toEqual({ revoked: 1 });
      expect(await use(other, owner.token)).toEqual([401, 'session_revoked']);
      expect((await use(other, second.token))[0]).toBe(200);
      expect(await cli.json(['sessions', 'revoke', oldest!.id])).toEqual({ revoked: 0 });
      expect(await cli.run(['sessions', 'revoke', NOBODY])).toMatchObject({
        code: 1,
        stderr: 'there is no such session\n',
      });
    });

    it('revoke --user ends those of one, --all-users those of everybody, in steps', async () => {
      const [one, another] = [await loggedIn(app), await loggedIn(other)];
      expect(await cli.json(['sessions', 'revoke', '--user', one.email])).toEqual({ revoked: 1 });
      expect([(await use(other, one.token))[0], (await use(app, another.token))[0]]).toEqual([401, 200]);

      // More than one step: 600 of somebody who uses them all.
      await app.database.query(
        `INSERT INTO sessions (id, user_id, transport, secret_hash, ip, created_at, last_used_at, authenticated_at, expires_at)
         SELECT gen_random_uuid(), $1, 'bearer', 'x', '10.0.0.1', now(), now(), now(), now() + interval '1 day'
         FROM generate_series(1, 600)`,
        [one.id],
      );
      const [live] = await app.database.query<{ count: number }>(
        'SELECT count(*)::int FROM sessions WHERE revoked_at IS NULL AND expires_at > now()',
      );
      expect(await cli.run(['sessions', 'revoke', '--all-users'])).toMatchObject({ code: 2 });
      expect(await cli.json(['sessions', 'revoke', '--all-users', '--yes'])).toEqual({
        revoked: live!.count,
      });
      expect(await use(app, another.token)).toEqual([401, 'session_revoked']);
      const [recorded] = await app.database.query<{ count: number }>(
        `SELECT count(*)::int FROM audit_events WHERE action = 'session.revoked' AND user_id = $1`,
        [one.id],
      );
      expect(recorded!.count).toBe(601);
    });

    it.each([
      ['nothing', []],
      ['two at once', [NOBODY, '--user', 'ada@example.org']],
      ['a name', ['ada']],
    ])('revoke refuses %s', async (_, args) => {
      expect(await cli.run(['sessions', 'revoke', ...args])).toMatchObject({ code: 2, stdout: '' });
    });
  });

  it('does what it does by the clock of the machine that it runs on', async () => {
    app.clock.advance(HOUR);
    const owner = await loggedIn(app);
    expect(await cli.json(['sessions', 'revoke', '--user', owner.id])).toEqual({ revoked: 1 });
  });
});
