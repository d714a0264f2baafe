import { TestApp } from '../support/app';
import { freshEmail, loggedIn, PASSWORD, verified, type LoggedIn } from '../support/actors';
import { HOUR, MINUTE } from '../support/clock';

describe('change of address', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await TestApp.start();
  });
  afterAll(() => app.close());

  const ask = ({ token }: Pick<LoggedIn, 'token'>, email: unknown, password: unknown = PASSWORD) =>
    app.http.post('/api/auth/change-email', { email, password }, { token });
  const confirm = (token: unknown) => app.http.post('/api/auth/change-email/confirm', { token });
  const emailOf = async (id: string) =>
    (await app.database.query<{ email: string }>('SELECT email FROM users WHERE id = $1', [id]))[0]!.email;

  it('moves the account when the link mailed to the new address is used, and not before', async () => {
    const actor = await loggedIn(app);
    const next = freshEmail();
    expect((await ask(actor, next)).status).toBe(202);
    const { token } = await app.mailbox.waitFor(next);
    expect((await app.mailbox.waitFor(actor.email, 2)).text).toContain(next);
    expect(await emailOf(actor.id)).toBe(actor.email);
    const { status, body } = await confirm(token);
    expect(status).toBe(200);
    expect(body).toMatchObject({ id: actor.id, email: next, emailVerified: true });
    expect((await app.http.post('/api/auth/login', { email: actor.email, password: PASSWORD })).status).toBe(
      401,
    );
    expect((await app.http.post('/api/auth/login', { email: next, password: PASSWORD })).status).toBe(200);
    await app.mailbox.waitFor(actor.email, 3);
  });

  it('confirms once under 50 parallel requests; repeating is safe', async () => {
    const actor = await loggedIn(app);
    const next = freshEmail();
    await ask(actor, next);
    const { token } = await app.mailbox.waitFor(next);
    const answers = await Promise.all(Array.from({ length: 50 }, () => confirm(token)));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    const events = await app.database.query(
      `SELECT 1 FROM audit_events WHERE user_id = $1 AND action = 'email.changed'`,
      [actor.id],
    );
    expect(events).toHaveLength(1);
  });

  it('never crosses token and address when two changes run at once', async () => {
    for (let round = 0; round < 10; round++) {
      const actor = await loggedIn(app);
      const [mine, victims] = [freshEmail(), freshEmail()];
      await Promise.all([ask(actor, mine), ask(actor, victims)]);
      const pending = (
        await app.database.query<{ pending_email: string }>('SELECT pending_email FROM users WHERE id = $1', [
          actor.id,
        ])
      )[0]!.pending_email;
      await app.mailbox.waitFor(pending);
      const tokens = app.mailbox.to(mine).map(({ token }) => token);
      await Promise.all(tokens.map((token) => confirm(token)));
      // Whoever reads only their own mailbox never ends up with the other address.
      expect(await emailOf(actor.id)).not.toBe(victims);
    }
  });

  it('lets a later request replace an earlier one', async () => {
    const actor = await loggedIn(app);
    const [first, second] = [freshEmail(), freshEmail()];
    await ask(actor, first);
    const old = await app.mailbox.waitFor(first);
    await ask(actor, second);
    await app.mailbox.waitFor(second);
    expect((await confirm(old.token)).body.code).toBe('token_invalid');
    expect(await emailOf(actor.id)).toBe(actor.email);
  });

  it('looks again at the new address when it is confirmed', async () => {
    const actor = await loggedIn(app);
    const next = freshEmail();
    await ask(actor, next);
    const { token } = await app.mailbox.waitFor(next);
    await app.http.post('/api/auth/register', { email: next, password: PASSWORD });
    expect((await confirm(token)).body.code).toBe('token_invalid');
    expect(await emailOf(actor.id)).toBe(actor.email);
  });

  it.each([
    [
      'a change of the password',
      (actor: LoggedIn) =>
        app.http.post(
          '/api/auth/change-password',
          { currentPassword: PASSWORD, newPassword: 'another horse 8 battery!' },
          { token: actor.token },
        ),
    ],
    [
      'a reset of the password',
      async (actor: LoggedIn) => {
        await app.http.post('/api/auth/reset-request', { email: actor.email });
        const { token } = await app.mailbox.waitFor(actor.email, 3);
        return app.http.post('/api/auth/reset-confirm', { token, password: 'another horse 8 battery!' });
      },
    ],
  ])('dies with %s', async (_, end) => {
    const actor = await loggedIn(app);
    const next = freshEmail();
    await ask(actor, next);
    const { token } = await app.mailbox.waitFor(next);
    await app.mailbox.waitFor(actor.email, 2);
    expect((await end(actor)).status).toBe(200);
    expect((await confirm(token)).body.code).toBe('token_invalid');
  });

  it('refuses a wrong password, a taken address and the current one', async () => {
    const actor = await loggedIn(app);
    const other = await verified(app);
    expect((await ask(actor, freshEmail(), 'wrong horse 7 battery!')).body.code).toBe('password_incorrect');
    expect((await ask(actor, other.email.toUpperCase())).body.code).toBe('email_taken');
    expect((await ask(actor, actor.email)).status).toBe(400);
    expect((await ask(actor, 'no address')).status).toBe(400);
  });

  it('takes the password in the request for a recent login', async () => {
    const actor = await loggedIn(app);
    app.clock.advance(10 * MINUTE);
    expect((await ask(actor, freshEmail())).status).toBe(202);
  });

  it('refuses expired tokens and those of a sign-up', async () => {
    const actor = await loggedIn(app);
    const next = freshEmail();
    await ask(actor, next);
    const { token } = await app.mailbox.waitFor(next);
    expect((await app.http.post('/api/auth/verify', { token })).body.code).toBe('token_invalid');
    const signUp = (await app.mailbox.waitFor(actor.email)).token;
    expect((await confirm(signUp)).body.code).toBe('token_invalid');
    app.clock.advance(24 * HOUR + 1000);
    expect((await confirm(token)).body.code).toBe('token_expired');
  });
});

describe('under CONCEAL_ACCOUNTS=true', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await TestApp.start({ env: { CONCEAL_ACCOUNTS: 'true' } });
  });
  afterAll(() => app.close());

  it('registering a taken address answers like a fresh one and tells the owner by mail', async () => {
    const owner = await verified(app);
    const answer = (email: string) =>
      app.http.post('/api/auth/register', { email, password: PASSWORD, name: 'Eve' });
    const [taken, free] = [await answer(owner.email), await answer(freshEmail())];
    const shape = ({ status, body }: typeof taken) => {
      const { user, ...rest } = body as { user: Record<string, unknown> };
      return { status, rest, user: { ...user, id: 0, email: 0, createdAt: 0, updatedAt: 0 } };
    };
    expect(shape(taken)).toEqual(shape(free));
    expect((taken.body as { user: { id: string } }).user.id).not.toBe(owner.id);
    expect((await app.mailbox.waitFor(owner.email, 2)).text).not.toContain('#token=');
    expect((await app.http.post('/api/auth/login', { email: owner.email, password: PASSWORD })).status).toBe(
      200,
    );
    const rows = await app.database.query('SELECT 1 FROM users WHERE email = $1', [owner.email]);
    expect(rows).toHaveLength(1);
  });

  it('makes one account of 50 parallel registrations, and every answer is 201', async () => {
    const email = freshEmail();
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => app.http.post('/api/auth/register', { email, password: PASSWORD })),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
    expect(await app.database.query('SELECT 1 FROM users WHERE email = $1', [email])).toHaveLength(1);
  });

  it('asking for a taken address answers like a free one, and its owner is told instead', async () => {
    const [owner, eve] = [await verified(app), await loggedIn(app)];
    const { status } = await app.http.post(
      '/api/auth/change-email',
      { email: owner.email, password: PASSWORD },
      { token: eve.token },
    );
    expect(status).toBe(202);
    expect((await app.mailbox.waitFor(owner.email, 2)).text).not.toContain('#token=');
  });
});
