import { TestApp } from '../support/app';
import { freshEmail, loggedIn, login, PASSWORD, unverified, verified } from '../support/actors';
import { HOUR } from '../support/clock';

const NEW_PASSWORD = 'another horse 8 battery!';

describe('password reset', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await TestApp.start();
  });
  afterAll(() => app.close());

  const ask = (email: unknown) => app.http.post('/api/auth/reset-request', { email });
  const confirm = (token: unknown, password: unknown = NEW_PASSWORD) =>
    app.http.post<{ code: string; errors: { field: string; code: string }[] }>('/api/auth/reset-confirm', {
      token,
      password,
    });
  const canLogIn = async (email: string, password: string) =>
    (await app.http.post('/api/auth/login', { email, password })).status === 200;
  const letters = (email: string) =>
    app.mailbox.to(email).filter(({ text }) => text.includes('/reset-password#'));
  const tokenFor = async (email: string, count = 1) => {
    await ask(email);
    const deadline = Date.now() + 15_000;
    while (letters(email).length < count && Date.now() < deadline)
      await new Promise((r) => setTimeout(r, 25));
    return letters(email)[count - 1]!.token!;
  };

  describe('POST /api/auth/reset-request', () => {
    it('answers the same, with the same work, for known, unknown, unverified and disabled addresses', async () => {
      const known = await verified(app);
      const waiting = await unverified(app);
      const disabled = await verified(app);
      await app.database.query('UPDATE users SET is_active = false WHERE id = $1', [disabled.id]);
      const count = async () =>
        Number(
          (
            await app.database.query<{ n: string }>(
              'SELECT (SELECT count(*) FROM pgboss.job) + (SELECT count(*) FROM audit_events) AS n',
            )
          )[0]!.n,
        );
      const answers = [];
      for (const email of [known.email, waiting.email, disabled.email, 'nobody@example.org']) {
        const before = await count();
        const { status, body } = await ask(email);
        answers.push(JSON.stringify({ status, body, work: (await count()) - before }));
      }
      expect(new Set(answers).size).toBe(1);
      expect(answers[0]).toContain('"status":202');
      expect(answers[0]).toContain('"work":2');
    });

    it('changes nothing: password and sessions go on', async () => {
      const actor = await loggedIn(app);
      await tokenFor(actor.email);
      expect((await app.http.get('/api/auth/profile', { token: actor.token })).status).toBe(200);
      expect(await canLogIn(actor.email, PASSWORD)).toBe(true);
    });

    it('mails at most 3 letters an hour to one account, however many requests', async () => {
      const { email } = await verified(app);
      await Promise.all(Array.from({ length: 12 }, () => ask(email)));
      await tokenFor((await verified(app)).email);
      expect(letters(email).length).toBeLessThanOrEqual(3);
      expect(letters(email).length).toBeGreaterThanOrEqual(1);
      const sent = letters(email).length;
      app.clock.advance(HOUR + 1000);
      await tokenFor(email, sent + 1);
    });

    it.each([
      [['a@example.org', 'b@example.org']],
      [{ email: 'a@example.org' }],
      [null],
      ['a@example.org,b@example.org'],
    ])('refuses %j as an address', async (email) => {
      expect((await ask(email)).status).toBe(400);
    });

    it('builds the link from PUBLIC_URL, whatever the request says of its host', async () => {
      const { email } = await verified(app);
      await app.http.post(
        '/api/auth/reset-request',
        { email },
        { headers: { 'X-Forwarded-Host': 'evil.example', Forwarded: 'host=evil.example' } },
      );
      const token = await tokenFor(email);
      expect(letters(email)[0]!.text).toContain(`http://localhost:3000/reset-password#token=`);
      expect(
        letters(email)
          .map(({ text }) => text)
          .join(''),
      ).not.toContain('evil');
      expect(token).toHaveLength(43);
    });
  });

  describe('POST /api/auth/reset-confirm', () => {
    it('sets the password, ends every session, logs nobody in and tells the owner', async () => {
      const actor = await loggedIn(app);
      const token = await tokenFor(actor.email);
      const { status, body, headers } = await confirm(token);
      expect(status).toBe(200);
      expect(Object.keys(body)).toEqual(['message']);
      expect(headers.get('set-cookie')).not.toContain('session=');
      expect((await app.http.get('/api/auth/profile', { token: actor.token })).body.code).toBe(
        'session_revoked',
      );
      expect((await app.http.post('/api/auth/refresh', { refresh_token: actor.refreshToken })).status).toBe(
        401,
      );
      expect(await canLogIn(actor.email, PASSWORD)).toBe(false);
      expect(await canLogIn(actor.email, NEW_PASSWORD)).toBe(true);
      await app.mailbox.waitFor(actor.email, 3);
      expect(app.mailbox.to(actor.email).some(({ text }) => text.includes('/not-me#token='))).toBe(true);
    });

    it('lets exactly one of 50 parallel confirmations win', async () => {
      const { email } = await verified(app);
      const token = await tokenFor(email);
      const passwords = Array.from({ length: 50 }, (_, number) => `horse battery ${number} staple!`);
      const answers = await Promise.all(passwords.map((password) => confirm(token, password)));
      const winners = passwords.filter((_, number) => answers[number]!.status === 200);
      expect(winners).toHaveLength(1);
      expect(
        answers.filter(({ status, body }) => status === 400 && body.code === 'token_invalid'),
      ).toHaveLength(49);
      expect(await canLogIn(email, winners[0]!)).toBe(true);
    });

    it('voids the links of all other letters', async () => {
      const { email } = await verified(app);
      const first = await tokenFor(email);
      const second = await tokenFor(email, 2);
      expect((await confirm(first)).status).toBe(200);
      expect((await confirm(second)).body.code).toBe('token_invalid');
    });

    it('leaves the token usable when the password breaks the rules', async () => {
      const { email } = await verified(app);
      const token = await tokenFor(email);
      const { status, body } = await confirm(token, 'short');
      expect(status).toBe(400);
      expect(body.errors.map(({ field, code }) => `${field} ${code}`)).toContain('password too_short');
      expect((await confirm(token)).status).toBe(200);
    });

    it('refuses an expired token, a used one and everything that is none', async () => {
      const { email } = await verified(app);
      const used = await tokenFor(email);
      await confirm(used);
      expect((await confirm(used)).body.code).toBe('token_invalid');
      const late = await tokenFor((await verified(app)).email);
      app.clock.advance(HOUR + 1000);
      expect((await confirm(late)).body.code).toBe('token_expired');
      for (const token of ['', ' ', late.slice(0, -1), `${late}x`, '%', 'null'])
        expect((await confirm(token)).body.code).toBe('token_invalid');
      for (const token of [null, undefined, [late], { $ne: '' }, 1])
        expect((await confirm(token)).body.code).toBe('validation_failed');
    });

    it('takes no token of another purpose', async () => {
      const { email } = await unverified(app);
      const { token } = await app.mailbox.waitFor(email);
      expect((await confirm(token)).body.code).toBe('token_invalid');
      const reset = await tokenFor(email);
      expect((await app.http.post('/api/auth/verify', { token: reset })).body.code).toBe('token_invalid');
    });

    it('takes the account back from somebody who registered the address before its owner', async () => {
      const email = freshEmail();
      const attackersPassword = 'evil horse 6 battery!';
      await app.http.post('/api/auth/register', { email, password: attackersPassword });
      const attackersLink = await app.mailbox.waitFor(email);
      const token = await tokenFor(email);
      expect((await confirm(token)).status).toBe(200);
      expect(await canLogIn(email, attackersPassword)).toBe(false);
      expect((await app.http.post('/api/auth/verify', { token: attackersLink.token })).body.code).toBe(
        'token_invalid',
      );
      const owner = await login(app, { email, password: NEW_PASSWORD });
      expect((await app.http.get('/api/auth/profile', { token: owner.token })).body.emailVerified).toBe(true);
    });
  });
});
