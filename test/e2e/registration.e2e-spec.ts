import { TestApp } from '../support/app';
import { freshEmail, login, PASSWORD, unverified, verified } from '../support/actors';
import { DAY, HOUR } from '../support/clock';
import { UnverifiedAccountsJob } from '../../src/auth/registration/unverified-accounts.job';

interface Registered {
  user: Record<string, unknown>;
  verificationRequired: boolean;
}

describe('registration', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await TestApp.start();
  });
  afterAll(() => app.close());

  const register = (body: unknown) => app.http.post<Registered & ProblemBody>('/api/auth/register', body);

  describe('POST /api/auth/register', () => {
    it('creates an unverified account and mails a link to its address', async () => {
      const email = freshEmail();
      const { status, body } = await register({ email, password: PASSWORD, name: 'Ada' });
      expect(status).toBe(201);
      expect(body).toEqual({
        user: {
          id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7/),
          email,
          name: 'Ada',
          emailVerified: false,
          isActive: true,
          createdAt: expect.stringMatching(/Z$/),
          updatedAt: expect.stringMatching(/Z$/),
        },
        verificationRequired: true,
      });
      const letter = await app.mailbox.waitFor(email);
      expect(letter.text).toContain('http://localhost:3000/verify-email#token=');
    });

    it('stores no password and no token in the clear', async () => {
      const email = freshEmail();
      await register({ email, password: PASSWORD });
      const { token } = await app.mailbox.waitFor(email);
      const [row] = await app.database.query<{ all: string }>(
        `SELECT (SELECT json_agg(u)::text FROM users u) || (SELECT json_agg(t)::text FROM verification_tokens t)
          || (SELECT json_agg(j)::text FROM pgboss.job j) || (SELECT json_agg(a)::text FROM audit_events a) AS all`,
      );
      expect(row!.all).toContain(email);
      expect(row!.all).not.toContain(PASSWORD);
      expect(row!.all).not.toContain(token!);
    });

    it('answers 409 email_taken for an address in any letter case', async () => {
      const email = freshEmail();
      await register({ email, password: PASSWORD });
      const { status, body } = await register({ email: email.toUpperCase(), password: PASSWORD });
      expect([status, body.code]).toEqual([409, 'email_taken']);
    });

    it('makes one account of 50 parallel registrations of one address, and mails one letter', async () => {
      const email = freshEmail();
      const answers = await Promise.all(
        Array.from({ length: 50 }, () => register({ email, password: PASSWORD })),
      );
      const statuses = answers.map(({ status }) => status);
      expect(statuses.filter((status) => status === 201)).toHaveLength(1);
      expect(statuses.filter((status) => status === 409)).toHaveLength(49);
      await app.mailbox.waitFor(email);
      // A letter to somebody registered afterwards has overtaken any second one by then.
      await verified(app);
      expect(app.mailbox.to(email)).toHaveLength(1);
    });

    it('keeps the domain in its ASCII form', async () => {
      const { body } = await register({ email: 'ada@Bücher.example', password: PASSWORD });
      expect(body.user.email).toBe('ada@xn--bcher-kva.example');
    });

    it.each([
      ['no address', { email: 'ada' }, 'email', 'invalid_email'],
      ['a missing address', { email: undefined }, 'email', 'required'],
      ['a list of addresses', { email: ['a@example.org', 'b@example.org'] }, 'email', 'invalid_email'],
      ['a quoted local part', { email: '"a b"@example.org' }, 'email', 'invalid_email'],
      ['a line break in the address', { email: 'a@example.org\n' }, 'email', 'invalid_email'],
      ['a full-width at sign', { email: 'a＠example.org' }, 'email', 'invalid_email'],
      ['a non-ASCII local part', { email: 'ａda@example.org' }, 'email', 'invalid_email'],
      [
        'an address of 255 characters',
        { email: `a@${'b'.repeat(60)}.${'c'.repeat(63)}.${'d'.repeat(63)}.${'e'.repeat(61)}.org` },
        'email',
        'invalid_email',
      ],
      ['a missing password', { password: undefined }, 'password', 'required'],
      ['a number as password', { password: 12345678 }, 'password', 'not_a_string'],
      ['a short password', { password: 'a1!' }, 'password', 'too_short'],
      ['a common password', { password: 'p@ssw0rd' }, 'password', 'too_common'],
      ['NUL in the password', { password: 'abc\u0000def 1!' }, 'password', 'invalid_characters'],
      ['a name with a line break', { name: 'Ada\r\nBcc: x' }, 'name', 'invalid_characters'],
      ['a lone surrogate in the name', { name: 'Ada \ud800' }, 'name', 'invalid_characters'],
      ['a name of 101 characters', { name: 'a'.repeat(101) }, 'name', 'too_long'],
      ['a role', { role: 'admin' }, 'role', 'unknown_field'],
      ['its own verification', { emailVerified: true }, 'emailVerified', 'unknown_field'],
    ])('refuses %s, naming the field', async (_, change, field, code) => {
      const { status, body } = await register({ email: freshEmail(), password: PASSWORD, ...change });
      expect(status).toBe(400);
      expect(body.code).toBe('validation_failed');
      expect(body.errors).toContainEqual({ field, code, message: expect.any(String) });
    });

    it('lists every broken rule of a password at once', async () => {
      const { body } = await register({ email: freshEmail(), password: '.....' });
      expect(body.errors!.map(({ code }) => code).sort()).toEqual([
        'missing_digit',
        'missing_letter',
        'too_short',
      ]);
    });

    it('records the registration in the audit trail', async () => {
      const { id } = await unverified(app);
      const events = await app.database.query('SELECT action, ip FROM audit_events WHERE user_id = $1', [id]);
      expect(events).toEqual([{ action: 'account.registered', ip: '127.0.0.1' }]);
    });
  });

  describe('POST /api/auth/verify', () => {
    it('verifies the address, and says so again for the same token', async () => {
      const { email, id } = await unverified(app);
      const { token } = await app.mailbox.waitFor(email);
      for (let time = 0; time < 2; time++) {
        const { status, body } = await app.http.post('/api/auth/verify', { token });
        expect(status).toBe(200);
        expect(body).toMatchObject({ user: { id, email, emailVerified: true } });
      }
    });

    it('consumes a token once under 50 parallel requests, and every one of them succeeds', async () => {
      const { email, id } = await unverified(app);
      const { token } = await app.mailbox.waitFor(email);
      const answers = await Promise.all(
        Array.from({ length: 50 }, () => app.http.post('/api/auth/verify', { token })),
      );
      expect(answers.every(({ status }) => status === 200)).toBe(true);
      const events = await app.database.query(
        `SELECT action FROM audit_events WHERE user_id = $1 AND action = 'email.verified'`,
        [id],
      );
      expect(events).toHaveLength(1);
    });

    it('refuses an expired token with 400 token_expired', async () => {
      const { email } = await unverified(app);
      const { token } = await app.mailbox.waitFor(email);
      app.clock.advance(24 * HOUR + 1000);
      const { status, body } = await app.http.post('/api/auth/verify', { token });
      expect([status, body.code]).toEqual([400, 'token_expired']);
    });

    it.each([
      ['an unknown token', { token: 'x'.repeat(43) }, 'token_invalid'],
      ['an empty token', { token: '' }, 'token_invalid'],
      ['no token', {}, 'validation_failed'],
      ['null', { token: null }, 'validation_failed'],
      ['an object', { token: { $ne: null } }, 'validation_failed'],
    ])('refuses %s', async (_, body, code) => {
      const answer = await app.http.post('/api/auth/verify', body);
      expect([answer.status, answer.body.code]).toEqual([400, code]);
    });

    it('lets a newer letter replace the link of an older one', async () => {
      const { email } = await unverified(app);
      const first = await app.mailbox.waitFor(email);
      await app.http.post('/api/auth/verify/resend', { email });
      const second = await app.mailbox.waitFor(email, 2);
      expect((await app.http.post('/api/auth/verify', { token: first.token })).body.code).toBe(
        'token_invalid',
      );
      expect((await app.http.post('/api/auth/verify', { token: second.token })).status).toBe(200);
    });
  });

  describe('GET /api/auth/verify/{token}', () => {
    it('verifies as the POST does, as often as it is opened', async () => {
      const { email } = await unverified(app);
      const { token } = await app.mailbox.waitFor(email);
      for (let time = 0; time < 2; time++)
        expect((await app.http.get(`/api/auth/verify/${token}`)).status).toBe(200);
      await login(app, { email, password: PASSWORD });
    });

    it('is not verified by HEAD or OPTIONS, as link checkers send them', async () => {
      const { email } = await unverified(app);
      const { token } = await app.mailbox.waitFor(email);
      for (const method of ['HEAD', 'OPTIONS'])
        await app.http.send(method, `/api/auth/verify/${token}`, undefined);
      const { body } = await app.http.post('/api/auth/login', { email, password: PASSWORD });
      expect(body.code).toBe('email_not_verified');
    });

    it('answers 400 token_invalid without repeating the token', async () => {
      const { status, body } = await app.http.get('/api/auth/verify/not-a-token');
      expect([status, body.code]).toEqual([400, 'token_invalid']);
      expect(JSON.stringify(body)).not.toContain('not-a-token');
    });
  });

  describe('POST /api/auth/verify/resend', () => {
    it('answers the same for an unverified, a verified and an unknown address', async () => {
      const waiting = await unverified(app);
      const done = await verified(app);
      const answers = [];
      for (const email of [waiting.email, done.email, 'nobody@example.org']) {
        const { status, body } = await app.http.post('/api/auth/verify/resend', { email });
        answers.push({ status, body });
      }
      expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
      expect(answers[0]!.status).toBe(202);
      await app.mailbox.waitFor(waiting.email, 2);
      expect(app.mailbox.to(done.email)).toHaveLength(1);
      expect(app.mailbox.to('nobody@example.org')).toHaveLength(0);
    });

    it('does the same work for each of them: one job', async () => {
      const { email } = await unverified(app);
      const done = await verified(app);
      const jobs = async () => {
        const [row] = await app.database.query<{ count: string }>('SELECT count(*) FROM pgboss.job');
        return Number(row!.count);
      };
      for (const address of [email, done.email, 'nobody@example.org']) {
        const before = await jobs();
        await app.http.post('/api/auth/verify/resend', { email: address });
        expect((await jobs()) - before).toBe(1);
      }
    });
  });

  describe('accounts that nobody verifies', () => {
    it('are removed after 7 days, and their address is free again', async () => {
      const stale = await unverified(app);
      const kept = await verified(app);
      app.clock.advance(7 * DAY + 1000);
      const young = await unverified(app);
      await app.nest.get(UnverifiedAccountsJob).run();
      const left = await app.database.query<{ email: string }>('SELECT email FROM users');
      const emails = left.map(({ email }) => email);
      expect(emails).toEqual(expect.arrayContaining([kept.email, young.email]));
      expect(emails).not.toContain(stale.email);
      await unverified(app, stale.email);
    });
  });
});

describe('registration under EMAIL_VERIFICATION=off', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await TestApp.start({ env: { EMAIL_VERIFICATION: 'off' } });
  });
  afterAll(() => app.close());

  it('logs in at once', async () => {
    const email = freshEmail();
    const { status, body } = await app.http.post<Record<string, string>>('/api/auth/register', {
      email,
      password: PASSWORD,
    });
    expect(status).toBe(201);
    expect(body).toMatchObject({ token_type: 'Bearer', expires_in: expect.any(Number), user: { email } });
    expect((await app.http.get('/api/auth/profile', { token: body.access_token })).status).toBe(200);
    await login(app, { email, password: PASSWORD });
  });
});

interface ProblemBody {
  code: string;
  errors?: { field: string; code: string; message: string }[];
}
