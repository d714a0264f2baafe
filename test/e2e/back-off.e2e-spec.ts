import { Registry } from 'prom-client';
import { failuresOfAddress } from '../../src/auth/back-off/failure-ids';
import { PasswordHasher } from '../../src/auth/passwords/password-hasher';
import { IdleFailuresJob } from '../../src/auth/back-off/idle-failures.job';
import { TestApp, TEST_SECRET } from '../support/app';
import { freshEmail, loggedIn, PASSWORD, unverified, verified, type Actor } from '../support/actors';
import { DAY, HOUR, MINUTE, MovableClock } from '../support/clock';
import type { Answer } from '../support/http';

const WRONG = 'wrong horse 7 battery!';
const NEW_PASSWORD = 'another horse 8 battery!';
const OTHER_SECRET = 'pQ8xWm2ZtY7vLc4nRb9sKd1gHf6uJe3a5oTi0BqV';
const SECOND = 1_000;
/** What the docs promise, written out. */
const DELAYS = [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900];

/** Stands until a test moves it: delays are exact to the millisecond. */
class StillClock extends MovableClock {
  private time = Date.now();

  override now(): Date {
    return new Date(this.time);
  }

  override advance(milliseconds: number): void {
    this.time += milliseconds;
  }
}

type Headers = Record<string, string>;
type Reply = Answer<Record<string, unknown>>;

const outcomeOf = ({ status, headers }: Reply) => [status, headers.get('retry-after')] as const;
const deviceIn = ({ headers }: Reply) =>
  headers
    .getSetCookie()
    .find((cookie) => cookie.startsWith('device='))
    ?.split(';')[0];

describe('back-off', () => {
  let app: TestApp;
  let clock: StillClock;

  beforeAll(async () => {
    clock = new StillClock();
    app = await TestApp.start({ clock });
  });
  afterEach(() => jest.restoreAllMocks());
  afterAll(() => app.close());

  const attempt = (email: string, password: string, headers: Headers = {}, on = app) =>
    on.http.post('/api/auth/login', { email, password }, { headers });
  const guess = async (email: string, headers?: Headers, on?: TestApp) =>
    outcomeOf(await attempt(email, WRONG, headers, on));
  const enter = async (email: string, headers?: Headers, on?: TestApp) =>
    outcomeOf(await attempt(email, PASSWORD, headers, on));
  /** Wrong passwords, each as soon as it is allowed. */
  const guessTimes = async (email: string, times: number, headers?: Headers) => {
    for (let time = 0; time < times; time++) {
      const [, retryAfter] = await guess(email, headers);
      clock.advance(Number(retryAfter ?? 0) * SECOND);
    }
  };
  /** Wrong passwords until attempts are held back, for a second. */
  const block = async (email: string, headers?: Headers) => {
    for (let time = 0; time < 5; time++) await guess(email, headers);
    expect(await guess(email, headers)).toEqual([401, '1']);
  };
  const knownDevice = async (actor: Actor, headers?: Headers) => {
    const answer = await attempt(actor.email, actor.password, headers);
    expect(answer.status).toBe(200);
    return { Cookie: deviceIn(answer)! };
  };
  const resetToken = async (email: string) => {
    const known = app.mailbox.to(email).length;
    await app.http.post('/api/auth/reset-request', { email });
    return (await app.mailbox.waitFor(email, known + 1)).token!;
  };
  const reset = async (email: string, headers?: Headers) =>
    app.http.post(
      '/api/auth/reset-confirm',
      { token: await resetToken(email), password: NEW_PASSWORD },
      { headers },
    );
  const eventsOf = async (userId: string, action: string) =>
    (
      await app.database.query('SELECT 1 FROM audit_events WHERE user_id = $1 AND action = $2', [
        userId,
        action,
      ])
    ).length;
  const records = () => app.database.query<{ failures: number }>('SELECT * FROM login_failures');

  describe('the schedule', () => {
    it('four wrong passwords cost nothing, the fifth a second, each further one twice as much, up to 15 minutes', async () => {
      const { email } = await verified(app);
      for (const [index, delay] of DELAYS.entries()) {
        expect([index + 1, await guess(email)]).toEqual([
          index + 1,
          [401, delay === 0 ? null : String(delay)],
        ]);
        if (delay === 0) continue;
        clock.advance(delay * SECOND - 1);
        expect([index + 1, await enter(email)]).toEqual([index + 1, [401, '1']]);
        clock.advance(1);
      }
      expect(await enter(email)).toEqual([200, null]);
    });

    it('a held back attempt is answered like a wrong password, whatever it presents', async () => {
      const { email } = await verified(app);
      const wrong = await attempt(email, WRONG);
      await block(email);
      for (const password of [WRONG, PASSWORD]) {
        const held = await attempt(email, password);
        expect(outcomeOf(held)).toEqual([401, '1']);
        expect({ ...held.body, requestId: '' }).toEqual({ ...wrong.body, requestId: '' });
        expect(held.headers.get('www-authenticate')).toBe(wrong.headers.get('www-authenticate'));
        expect(held.body).toMatchObject({ code: 'invalid_credentials', detail: 'Invalid email or password' });
      }
    });

    it('a held back attempt costs no hash and prolongs nothing', async () => {
      const { email } = await verified(app);
      await guessTimes(email, 9);
      expect(await guess(email)).toEqual([401, '32']);
      const verify = jest.spyOn(app.nest.get(PasswordHasher, { strict: false }), 'verify');
      for (let second = 0; second < 32; second++) {
        expect(await guess(email)).toEqual([401, String(32 - second)]);
        clock.advance(SECOND);
      }
      expect(verify).not.toHaveBeenCalled();
      expect(await enter(email)).toEqual([200, null]);
    });

    it('a series ends 15 minutes after its last failure, or after the end of the block', async () => {
      const { email } = await verified(app);
      await guessTimes(email, 4);
      clock.advance(15 * MINUTE - 1);
      expect(await guess(email)).toEqual([401, '1']);
      clock.advance(SECOND + 15 * MINUTE - 1);
      expect(await guess(email)).toEqual([401, '2']);
      clock.advance(2 * SECOND + 15 * MINUTE);
      for (let time = 0; time < 4; time++) expect(await guess(email)).toEqual([401, null]);
      expect(await guess(email)).toEqual([401, '1']);
    });

    it('a right password ends the series', async () => {
      const { email } = await verified(app);
      for (let round = 0; round < 2; round++) {
        for (let time = 0; time < 4; time++) expect(await guess(email)).toEqual([401, null]);
        expect(await enter(email)).toEqual([200, null]);
      }
      expect(await guess(email)).toEqual([401, null]);
    });

    it('is the same for an address without an account', async () => {
      const [{ email: taken }, free] = [await verified(app), freshEmail()];
      const same = (known: Reply, unknown: Reply) => {
        expect(outcomeOf(unknown)).toEqual(outcomeOf(known));
        expect({ ...unknown.body, requestId: '' }).toEqual({ ...known.body, requestId: '' });
        expect([...unknown.headers.keys()]).toEqual([...known.headers.keys()]);
      };
      for (const delay of DELAYS) {
        const unknown = await attempt(free, WRONG);
        expect(outcomeOf(unknown)).toEqual([401, delay === 0 ? null : String(delay)]);
        same(await attempt(taken, WRONG), unknown);
        if (delay > 0) same(await attempt(taken, PASSWORD), await attempt(free, PASSWORD));
        clock.advance(delay * SECOND);
      }
    });

    it('runs the hash for an address without an account as long as nothing is held back', async () => {
      const email = freshEmail();
      const verify = jest.spyOn(app.nest.get(PasswordHasher, { strict: false }), 'verify');
      await block(email);
      expect(verify).toHaveBeenCalledTimes(5);
    });

    it('counts every spelling of an address as one', async () => {
      const { email } = await verified(app);
      const [local = '', domain = ''] = email.split('@');
      const spellings = [
        email,
        email.toUpperCase(),
        `${local}@${domain.toUpperCase()}`,
        `P${email.slice(1)}`,
      ];
      for (const spelling of spellings) expect(await guess(spelling)).toEqual([401, null]);
      expect(await guess(email)).toEqual([401, '1']);
      for (const spelling of spellings) expect(await guess(spelling)).toEqual([401, '1']);
    });

    it('does not tell an unverified or disabled account apart while attempts are held back', async () => {
      const waiting = await unverified(app);
      const disabled = await verified(app);
      await app.database.query('UPDATE users SET is_active = false WHERE id = $1', [disabled.id]);
      for (const { email } of [waiting, disabled]) {
        await block(email);
        const held = await attempt(email, PASSWORD);
        expect([held.status, held.body.code]).toEqual([401, 'invalid_credentials']);
        clock.advance(SECOND);
        expect((await attempt(email, PASSWORD)).status).toBe(403);
      }
    });

    it('survives a restart', async () => {
      const first = await TestApp.start({ clock, database: app.database });
      const { email } = await verified(app);
      for (let time = 0; time < 5; time++) await guess(email, {}, first);
      await first.close();
      const second = await TestApp.start({ clock, database: app.database });
      expect(await enter(email, {}, second)).toEqual([401, '1']);
      clock.advance(SECOND);
      expect(await guess(email, {}, second)).toEqual([401, '2']);
      await second.close();
    });

    it('keeps no address in the clear', async () => {
      const email = freshEmail();
      await guess(email);
      expect(JSON.stringify(await records())).not.toContain(email.split('@')[0]);
      const { all } = (
        await app.database.query<{ all: string }>(
          `SELECT string_agg(encode(id, 'escape'), ' ') AS all FROM login_failures`,
        )
      )[0]!;
      expect(all).not.toContain('example.org');
    });
  });

  describe('many at once', () => {
    let replica: TestApp;

    beforeAll(async () => {
      replica = await TestApp.start({ clock, database: app.database });
    });
    afterAll(() => replica.close());

    const onBoth = (index: number) => (index % 2 ? replica : app);

    /** Holds all comparisons that are under way until so many have been made: nobody is refused beforehand. */
    const gather = (count: number) => {
      let open!: () => void;
      const opened = new Promise<void>((resolve) => (open = resolve));
      let compared = 0;
      for (const each of [app, replica]) {
        const hasher = each.nest.get(PasswordHasher, { strict: false });
        const verify = hasher.verify.bind(hasher);
        jest.spyOn(hasher, 'verify').mockImplementation(async (password, stored) => {
          const isRight = await verify(password, stored);
          if (++compared === count) open();
          await opened;
          return isRight;
        });
      }
    };

    it('of 100 wrong guesses under way at once on two replicas 5 count', async () => {
      const { email, id } = await verified(app);
      gather(100);
      const answers = await Promise.all(
        Array.from({ length: 100 }, (_, index) => guess(email, {}, onBoth(index))),
      );
      expect(answers.every(([status]) => status === 401)).toBe(true);
      expect(answers.filter(([, retryAfter]) => retryAfter === null)).toHaveLength(4);
      expect(answers.filter(([, retryAfter]) => retryAfter === '1')).toHaveLength(96);
      expect(await eventsOf(id, 'login.failed')).toBe(5);
      clock.advance(SECOND);
      expect(await guess(email)).toEqual([401, '2']);
    });

    it('a right guess among them that comes to be answered after the fifth is refused, and seen by nobody', async () => {
      const { email, id } = await verified(app);
      const hasher = replica.nest.get(PasswordHasher, { strict: false });
      const verify = hasher.verify.bind(hasher);
      let answer!: () => void;
      const held = new Promise<void>((resolve) => (answer = resolve));
      let compare!: () => void;
      const compared = new Promise<void>((resolve) => (compare = resolve));
      jest.spyOn(hasher, 'verify').mockImplementation(async (password, stored) => {
        const isRight = await verify(password, stored);
        compare();
        await held;
        return isRight;
      });
      const right = enter(email, {}, replica);
      await compared;
      await Promise.all(Array.from({ length: 99 }, () => guess(email)));
      answer();
      expect(await right).toEqual([401, '1']);
      expect(await eventsOf(id, 'login.succeeded')).toBe(0);
      expect(await enter(email)).toEqual([401, '1']);
    });

    it('a right guess that is about to be taken is refused if a block is written just before', async () => {
      const { email } = await verified(app);
      await guessTimes(email, 4);
      const until = new Date(clock.now().getTime() + SECOND).toISOString();
      const id = failuresOfAddress(email).toString('hex');
      const blocking = app.database.query(
        `BEGIN; UPDATE login_failures SET blocked_until = '${until}' WHERE id = '\\x${id}'; SELECT pg_sleep(1.5); COMMIT`,
      );
      await new Promise((resolve) => setTimeout(resolve, 500));
      const right = enter(email);
      await blocking;
      expect(await right).toEqual([401, '1']);
      expect(await enter(email)).toEqual([401, '1']);
    });

    it('50 right ones all succeed, whatever came before', async () => {
      const { email } = await verified(app);
      await guessTimes(email, 4);
      gather(50);
      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, index) => enter(email, {}, onBoth(index))),
      );
      expect(answers).toEqual(Array.from({ length: 50 }, () => [200, null]));
    });

    it('right ones, wrong ones, resets and the end of the account never meet in a deadlock', async () => {
      for (let round = 0; round < 5; round++) {
        const actor = await verified(app);
        const owner = await loggedIn(app, freshEmail());
        const token = await resetToken(actor.email);
        const answers = await Promise.all([
          ...Array.from({ length: 20 }, (_, index) => attempt(actor.email, WRONG, {}, onBoth(index))),
          ...Array.from({ length: 20 }, (_, index) => attempt(actor.email, PASSWORD, {}, onBoth(index))),
          ...Array.from({ length: 10 }, (_, index) => attempt(owner.email, WRONG, {}, onBoth(index))),
          app.http.post('/api/auth/reset-confirm', { token, password: NEW_PASSWORD }),
          replica.http.delete('/api/auth/profile', { password: PASSWORD }, { token: owner.token }),
        ]);
        expect(answers.filter(({ status }) => status >= 500)).toEqual([]);
      }
    });
  });

  describe('a known device', () => {
    it('is recognised by a cookie that says nothing and that scripts cannot read', async () => {
      const { email, id } = await verified(app);
      for (const transport of ['bearer', 'cookie']) {
        const { headers } = await app.http.post('/api/auth/login', { email, password: PASSWORD, transport });
        const cookie = headers.getSetCookie().find((line) => line.startsWith('device='))!;
        const expires = new Date(clock.now().getTime() + 365 * DAY).toUTCString();
        expect(cookie).toMatch(/^device=ghd_[\w-]{48}; Path=\/; Expires=[^;]+; HttpOnly; SameSite=Lax$/);
        expect(cookie).toContain(`Expires=${expires}`);
        const bytes = Buffer.from(/ghd_([\w-]+)/.exec(cookie)![1]!, 'base64url');
        expect(bytes.toString('hex')).not.toContain(id.replaceAll('-', ''));
      }
    });

    it('has the __Host- name with Secure where the public address is https', async () => {
      const secure = await TestApp.start({
        clock,
        database: app.database,
        env: { PUBLIC_URL: 'https://auth.example.org' },
      });
      const { email } = await verified(app);
      const { headers } = await attempt(email, PASSWORD, {}, secure);
      const cookie = headers.getSetCookie().find((line) => line.includes('device='))!;
      expect(cookie).toMatch(
        /^__Host-device=ghd_[\w-]{48}; Path=\/; Expires=[^;]+; HttpOnly; Secure; SameSite=Lax$/,
      );
      await block(email);
      expect(await enter(email, { Cookie: cookie.split(';')[0]! }, secure)).toEqual([200, null]);
      await block(email);
      const downgraded = cookie.split(';')[0]!.replace('__Host-', '');
      expect(await enter(email, { Cookie: downgraded }, secure)).toEqual([401, '1']);
      await secure.close();
    });

    it('logs its owner in while strangers are held back, and so frees everybody', async () => {
      const actor = await verified(app);
      const device = await knownDevice(actor);
      await guessTimes(actor.email, 12);
      expect(await guess(actor.email)).toEqual([401, '256']);
      expect(await enter(actor.email)).toEqual([401, '256']);
      expect(await enter(actor.email, device)).toEqual([200, null]);
      expect(await enter(actor.email)).toEqual([200, null]);
    });

    it('counts for itself, by the same schedule, and holds nobody else back', async () => {
      const actor = await verified(app);
      const [mine, other] = [await knownDevice(actor), await knownDevice(actor)];
      for (const delay of DELAYS) {
        expect(await guess(actor.email, mine)).toEqual([401, delay === 0 ? null : String(delay)]);
        if (delay > 0) expect(await enter(actor.email, mine)).toEqual([401, String(delay)]);
        clock.advance(delay * SECOND);
      }
      expect(await guess(actor.email, mine)).toEqual([401, '900']);
      for (let time = 0; time < 4; time++) expect(await guess(actor.email)).toEqual([401, null]);
      expect(await enter(actor.email, mine)).toEqual([401, '900']);
      expect(await enter(actor.email, other)).toEqual([200, null]);
      clock.advance(900 * SECOND);
      expect(await enter(actor.email, mine)).toEqual([200, null]);
    });

    it('gets a new id at each login; a copy of the old one holds the owner back no more', async () => {
      const actor = await verified(app);
      const stolen = await knownDevice(actor);
      const next = await knownDevice(actor, stolen);
      expect(next.Cookie).not.toBe(stolen.Cookie);
      await block(actor.email, stolen);
      expect(await enter(actor.email, next)).toEqual([200, null]);
      expect(await enter(actor.email, stolen)).toEqual([401, '1']);
    });

    it('a stolen one is worth a hundred guesses at its own rate, and is a stranger then', async () => {
      const actor = await verified(app);
      const stolen = await knownDevice(actor);
      await guessTimes(actor.email, 99, stolen);
      expect(await guess(actor.email, stolen)).toEqual([401, '900']);
      // Counted with the strangers, who have not begun.
      for (let time = 0; time < 4; time++) expect(await guess(actor.email, stolen)).toEqual([401, null]);
      expect(await guess(actor.email, stolen)).toEqual([401, '1']);
      expect(await enter(actor.email)).toEqual([401, '1']);
      clock.advance(SECOND);
      expect(await enter(actor.email, stolen)).toEqual([200, null]);
    }, 60_000);

    it('is let in where strangers have used the rate limit of the account up', async () => {
      const limited = await TestApp.start({
        clock,
        database: app.database,
        env: { RATE_LIMITS: 'on', TRUST_PROXY: '127.0.0.1' },
      });
      const [actor, other] = [await verified(app), await verified(app)];
      const [device, foreign] = [await knownDevice(actor), await knownDevice(other)];
      const answers = await Promise.all(
        Array.from({ length: 61 }, (_, index) =>
          guess(actor.email, { 'X-Forwarded-For': `203.0.113.${index}` }, limited),
        ),
      );
      expect(answers.filter(([status]) => status === 429)).toHaveLength(1);
      expect((await attempt(actor.email, PASSWORD, {}, limited)).status).toBe(429);
      expect((await attempt(actor.email, PASSWORD, foreign, limited)).status).toBe(429);
      expect(await enter(actor.email, device, limited)).toEqual([200, null]);
      await limited.close();
    });

    it('of one account is a stranger for another', async () => {
      const [mine, victim] = [await verified(app), await verified(app)];
      const device = await knownDevice(mine);
      await block(victim.email);
      expect(await enter(victim.email, device)).toEqual([401, '1']);
      await block(mine.email);
      expect(await enter(mine.email, device)).toEqual([200, null]);
    });

    it('is shared by up to five accounts of one browser; a sixth replaces the oldest', async () => {
      const actors: Actor[] = [];
      let device: Headers = {};
      for (let count = 0; count < 6; count++) {
        actors.push(await verified(app));
        device = await knownDevice(actors.at(-1)!, device);
        // Again: it takes no second place.
        device = await knownDevice(actors.at(-1)!, device);
      }
      expect(device.Cookie!.length).toBeLessThan(300);
      for (const { email } of actors) for (let time = 0; time < 5; time++) await guess(email);
      const [first, ...others] = actors;
      expect(await enter(first!.email, device)).toEqual([401, '1']);
      for (const { email } of others) expect(await enter(email, device)).toEqual([200, null]);
    });

    it('is known for a year, by our clock', async () => {
      const actor = await verified(app);
      const device = await knownDevice(actor);
      clock.advance(365 * DAY - SECOND);
      await block(actor.email);
      expect(await enter(actor.email, device)).toEqual([200, null]);
      await block(actor.email);
      clock.advance(SECOND - 1);
      expect(await enter(actor.email, device)).toEqual([401, '1']);
    });

    it.each([
      ['another id', (bytes: Buffer) => flip(bytes, 0)],
      ['a later time', (bytes: Buffer) => flip(bytes, 16)],
      ['another MAC', (bytes: Buffer) => flip(bytes, 35)],
      ['a MAC of nothing', (bytes: Buffer) => bytes.fill(0, 20)],
      ['half of it', (bytes: Buffer) => bytes.subarray(0, 18)],
      ['more after it', (bytes: Buffer) => Buffer.concat([bytes, Buffer.alloc(1)])],
      ['six of them', (bytes: Buffer) => Buffer.concat(Array.from({ length: 6 }, () => bytes))],
    ])('is a stranger with %s', async (_, change) => {
      const actor = await verified(app);
      const device = await knownDevice(actor);
      const bytes = Buffer.from(device.Cookie.slice('device=ghd_'.length), 'base64url');
      const changed = `device=ghd_${change(Buffer.from(bytes)).toString('base64url')}`;
      await block(actor.email);
      expect(await enter(actor.email, { Cookie: changed })).toEqual([401, '1']);
      expect(await enter(actor.email, device)).toEqual([200, null]);
    });

    it.each([
      ['twice', (cookie: string) => `${cookie}; ${cookie}`],
      ['under another name', (cookie: string) => cookie.replace('device=', 'Device=')],
      ['without its beginning', (cookie: string) => cookie.replace('ghd_', '')],
      ['with another spelling of its end', (cookie: string) => `${cookie}=`],
      ['empty', () => 'device='],
      ['as rubbish', () => 'device=%00"{}'],
    ])('is a stranger when its cookie comes %s', async (_, change) => {
      const actor = await verified(app);
      const device = await knownDevice(actor);
      await block(actor.email);
      expect(await enter(actor.email, { Cookie: change(device.Cookie) })).toEqual([401, '1']);
      expect(await enter(actor.email, device)).toEqual([200, null]);
    });

    it('is known as long as its secret is configured', async () => {
      const rotated = await TestApp.start({
        clock,
        database: app.database,
        env: { JWT_SECRET: `${OTHER_SECRET},${TEST_SECRET}` },
      });
      const foreign = await TestApp.start({
        clock,
        database: app.database,
        env: { JWT_SECRET: OTHER_SECRET },
      });
      const actor = await verified(app);
      const device = await knownDevice(actor);
      await block(actor.email);
      expect(await enter(actor.email, device, foreign)).toEqual([401, '1']);
      const answer = await attempt(actor.email, PASSWORD, device, rotated);
      expect(answer.status).toBe(200);
      await block(actor.email);
      expect(await enter(actor.email, { Cookie: deviceIn(answer)! }, foreign)).toEqual([200, null]);
      await rotated.close();
      await foreign.close();
    });
  });

  describe('a live session', () => {
    const cookieSession = async ({ email }: Actor) => {
      const { headers } = await app.http.post('/api/auth/login', {
        email,
        password: PASSWORD,
        transport: 'cookie',
      });
      return { Cookie: headers.getSetCookie()[0]!.split(';')[0]! };
    };

    it.each(['bearer', 'cookie'])(
      'of the account, by %s, is not held back by strangers',
      async (transport) => {
        const actor = await loggedIn(app);
        const session =
          transport === 'cookie' ? await cookieSession(actor) : { Authorization: `Bearer ${actor.token}` };
        await block(actor.email);
        expect(await enter(actor.email, session)).toEqual([200, null]);
        await block(actor.email, session);
        expect(await enter(actor.email, session)).toEqual([401, '1']);
        expect(await enter(actor.email)).toEqual([200, null]);
      },
    );

    it('of another account, one that has ended and one that is none are strangers', async () => {
      const [actor, other] = [await loggedIn(app), await loggedIn(app)];
      const ended = await cookieSession(actor);
      await app.http.post('/api/auth/logout-all', {}, { token: actor.token });
      await block(actor.email);
      for (const headers of [
        { Authorization: `Bearer ${other.token}` },
        { Authorization: `Bearer ${actor.token}` },
        { Authorization: 'Basic YTpi' },
        { Authorization: '' },
        await cookieSession(other),
        ended,
        { Cookie: 'session=rubbish' },
      ] as Headers[])
        expect(await enter(actor.email, headers)).toEqual([401, '1']);
      // And nobody is kept from logging in by what they carry along.
      clock.advance(SECOND);
      expect(await enter(actor.email, { Authorization: 'Bearer rubbish', Cookie: 'session=x' })).toEqual([
        200,
        null,
      ]);
    });
  });

  describe('whoever proves the mailbox', () => {
    it('is free at once by a reset, whose browser is known from then on', async () => {
      const { email } = await verified(app);
      await guessTimes(email, 15);
      const answer = await reset(email);
      expect(answer.status).toBe(200);
      expect((await attempt(email, NEW_PASSWORD)).status).toBe(200);
      await block(email);
      expect((await attempt(email, NEW_PASSWORD, { Cookie: deviceIn(answer)! })).status).toBe(200);
    });

    it('is not freed by asking for a reset, nor by a wrong link', async () => {
      const { email } = await verified(app);
      await block(email);
      await resetToken(email);
      await app.http.post('/api/auth/reset-confirm', { token: 'x'.repeat(43), password: NEW_PASSWORD });
      expect(await enter(email)).toEqual([401, '1']);
    });

    it.each(['POST', 'GET'])('is free at once by %s verify, whose browser is known, once', async (method) => {
      const actor = await unverified(app);
      await block(actor.email);
      const { token } = await app.mailbox.waitFor(actor.email);
      const verify = (): Promise<Reply> =>
        method === 'GET'
          ? app.http.get(`/api/auth/verify/${token}`)
          : app.http.post('/api/auth/verify', { token });
      const first = await verify();
      const device = { Cookie: deviceIn(first)! };
      expect(await guess(actor.email)).toEqual([401, null]);
      await block(actor.email);
      // Whoever found the link later has no budget of their own by it, and frees nobody.
      const again = await verify();
      expect([again.status, deviceIn(again)]).toEqual([200, undefined]);
      expect(await enter(actor.email)).toEqual([401, '1']);
      expect(await enter(actor.email, device)).toEqual([200, null]);
    });

    it('of a new address frees that one; asking for it moves nobody’s count', async () => {
      const [actor, victim] = [await loggedIn(app), await verified(app)];
      const ask = (email: string) =>
        app.http.post('/api/auth/change-email', { email, password: PASSWORD }, { token: actor.token });
      await guessTimes(victim.email, 3);
      expect((await ask(victim.email)).status).toBe(409);
      for (let time = 0; time < 3; time++) await guess(actor.email);
      expect(await guess(victim.email)).toEqual([401, null]);
      expect(await guess(victim.email)).toEqual([401, '1']);
      expect(await guess(actor.email)).toEqual([401, null]);

      const next = freshEmail();
      await block(next);
      await ask(next);
      expect(await guess(next)).toEqual([401, '1']);
      const { token } = await app.mailbox.waitFor(next);
      expect((await app.http.post('/api/auth/change-email/confirm', { token })).status).toBe(200);
      expect(await enter(next)).toEqual([200, null]);
      await block(next);
      await app.http.post('/api/auth/change-email/confirm', { token });
      expect(await enter(next)).toEqual([401, '1']);
    });

    it('starts free with an account that needs no verification, in a known browser', async () => {
      const open = await TestApp.start({
        clock,
        database: app.database,
        env: { EMAIL_VERIFICATION: 'off' },
      });
      const email = freshEmail();
      await block(email);
      const answer = await open.http.post('/api/auth/register', { email, password: PASSWORD });
      expect(answer.status).toBe(201);
      expect(await enter(email, {}, open)).toEqual([200, null]);
      await block(email);
      expect(await enter(email, { Cookie: deviceIn(answer)! }, open)).toEqual([200, null]);
      await open.close();
    });

    it('leaves nothing behind when the account is deleted', async () => {
      const actor = await loggedIn(app);
      const before = (await records()).length;
      await guessTimes(actor.email, 3);
      await app.http.post(
        '/api/auth/change-password',
        { currentPassword: WRONG, newPassword: NEW_PASSWORD },
        { token: actor.token },
      );
      expect(await records()).toHaveLength(before + 2);
      const { status } = await app.http.delete(
        '/api/auth/profile',
        { password: PASSWORD },
        { token: actor.token },
      );
      expect(status).toBe(204);
      expect(await records()).toHaveLength(before);
    });
  });

  describe('100 wrong passwords in a row', () => {
    it('leave the reset only; the owner is told once', async () => {
      const actor = await verified(app);
      await guessTimes(actor.email, 50);
      // Neither time nor the end of a series makes them fewer.
      clock.advance(20 * DAY);
      await guessTimes(actor.email, 49);
      await app.mailbox.waitFor(actor.email);
      expect(app.mailbox.to(actor.email)).toHaveLength(1);
      const answers = await Promise.all(Array.from({ length: 10 }, () => guess(actor.email)));
      expect(answers).toEqual(Array.from({ length: 10 }, () => [401, '900']));
      for (const wait of [900 * SECOND, DAY, 364 * DAY]) {
        clock.advance(wait);
        expect(await enter(actor.email)).toEqual([401, '900']);
        await app.nest.get(IdleFailuresJob, { strict: false }).run();
      }
      expect(await eventsOf(actor.id, 'login.failed')).toBe(100);
      const letter = await app.mailbox.waitFor(actor.email, 2);
      expect(letter.subject).toBe('Too many wrong passwords for your account');
      expect(letter.text).toContain('100 wrong passwords');
      expect(await guess(actor.email)).toEqual([401, '900']);

      expect((await reset(actor.email)).status).toBe(200);
      expect((await attempt(actor.email, NEW_PASSWORD)).status).toBe(200);
      await app.mailbox.waitFor(actor.email, 4);
      expect(app.mailbox.to(actor.email).filter(({ subject }) => subject === letter.subject)).toHaveLength(1);
    }, 60_000);

    it('do not keep the owner from a device that is known', async () => {
      const actor = await verified(app);
      const device = await knownDevice(actor);
      await guessTimes(actor.email, 100);
      expect(await enter(actor.email)).toEqual([401, '900']);
      expect(await enter(actor.email, device)).toEqual([200, null]);
      expect(await enter(actor.email)).toEqual([200, null]);
    }, 60_000);

    it('are recorded when the longest block begins and when only a reset helps, not with each attempt', async () => {
      const actor = await verified(app);
      await guessTimes(actor.email, 14);
      expect(await eventsOf(actor.id, 'login.blocked')).toBe(0);
      await guess(actor.email);
      for (let time = 0; time < 20; time++) await guess(actor.email);
      expect(await eventsOf(actor.id, 'login.blocked')).toBe(1);
      clock.advance(900 * SECOND);
      await guessTimes(actor.email, 85);
      for (let time = 0; time < 20; time++) await guess(actor.email);
      expect(await eventsOf(actor.id, 'login.blocked')).toBe(2);
      expect(await eventsOf(actor.id, 'login.failed')).toBe(100);
    }, 60_000);

    it('are the same for an address without an account, where nobody is told', async () => {
      const email = freshEmail();
      await guessTimes(email, 99);
      expect(await guess(email)).toEqual([401, '900']);
      clock.advance(DAY);
      expect(await guess(email)).toEqual([401, '900']);
      await verified(app);
      expect(app.mailbox.to(email)).toHaveLength(0);
    }, 60_000);
  });

  describe('the current password', () => {
    const paths = {
      'change-password': (token: string, password: string) =>
        app.http.post(
          '/api/auth/change-password',
          { currentPassword: password, newPassword: PASSWORD },
          { token },
        ),
      'change-email': (token: string, password: string) =>
        app.http.post('/api/auth/change-email', { email: freshEmail(), password }, { token }),
      deletion: (token: string, password: string) =>
        app.http.delete('/api/auth/profile', { password }, { token }),
      'recent login': (token: string, password: string) =>
        app.http.post('/api/auth/logout-all', { password, exceptCurrent: true }, { token }),
    };
    const PATHS = Object.keys(paths) as (keyof typeof paths)[];
    /** A session whose login is no longer recent. */
    const settled = async () => {
      const actor = await loggedIn(app);
      clock.advance(6 * MINUTE);
      return actor;
    };

    it.each(PATHS)('of %s is guessed at by the same schedule', async (path) => {
      const { token } = await settled();
      for (const delay of DELAYS.slice(0, 8)) {
        const answer = await paths[path](token, WRONG);
        expect([answer.body.code, ...outcomeOf(answer)]).toEqual([
          'password_incorrect',
          403,
          delay === 0 ? null : String(delay),
        ]);
        if (delay === 0) continue;
        const held = await paths[path](token, PASSWORD);
        expect([held.body.code, ...outcomeOf(held)]).toEqual(['password_incorrect', 403, String(delay)]);
        clock.advance(delay * SECOND);
      }
      expect((await paths[path](token, PASSWORD)).status).toBeLessThan(300);
    });

    it('is counted through all paths and sessions of an account together', async () => {
      const { token, email } = await settled();
      const second = await attempt(email, PASSWORD);
      const tokens = [token, String(second.body.access_token)];
      for (const [index, path] of PATHS.entries())
        expect(outcomeOf(await paths[path](tokens[path === 'recent login' ? 0 : index % 2]!, WRONG))).toEqual(
          [403, null],
        );
      expect(outcomeOf(await paths.deletion(tokens[1]!, WRONG))).toEqual([403, '1']);
      for (const path of PATHS) expect(outcomeOf(await paths[path](token, PASSWORD))).toEqual([403, '1']);
    });

    it('of 50 wrong ones at once 5 count, and the right one among them is refused after that', async () => {
      const { token } = await settled();
      await Promise.all(Array.from({ length: 50 }, () => paths.deletion(token, WRONG)));
      expect(outcomeOf(await paths.deletion(token, PASSWORD))).toEqual([403, '1']);
      clock.advance(SECOND);
      expect(outcomeOf(await paths.deletion(token, WRONG))).toEqual([403, '2']);
    });

    it('is forgiven by a right one, and by a reset', async () => {
      const { token } = await settled();
      for (let time = 0; time < 4; time++) await paths['recent login'](token, WRONG);
      expect((await paths['recent login'](token, PASSWORD)).status).toBe(200);
      expect(outcomeOf(await paths['recent login'](token, WRONG))).toEqual([403, null]);

      const actor = await settled();
      for (let time = 0; time < 5; time++) await paths.deletion(actor.token, WRONG);
      await reset(actor.email);
      const { body } = await attempt(actor.email, NEW_PASSWORD);
      expect((await paths.deletion(String(body.access_token), NEW_PASSWORD)).status).toBe(204);
    });

    it('and the login do not hold each other back', async () => {
      const { token, email } = await settled();
      for (let time = 0; time < 5; time++) await paths.deletion(token, WRONG);
      expect(await enter(email)).toEqual([200, null]);
      expect(outcomeOf(await paths.deletion(token, PASSWORD))).toEqual([403, '1']);
      await block(email);
      clock.advance(SECOND);
      await guess(email);
      expect((await paths.deletion(token, PASSWORD)).status).toBe(204);
    });

    it('is not compared after 100 wrong ones; the owner is told, and free after a reset', async () => {
      const { token, email, id } = await settled();
      let live = token;
      for (let time = 0; time < 100; time++) {
        const { status, headers } = await paths.deletion(live, WRONG);
        expect(status).toBe(403);
        clock.advance(Number(headers.get('retry-after') ?? 0) * SECOND);
        // Access tokens live for as long as the longest block.
        if (time > 8) live = String((await attempt(email, PASSWORD)).body.access_token);
      }
      clock.advance(DAY);
      live = String((await attempt(email, PASSWORD)).body.access_token);
      const held = await paths.deletion(live, PASSWORD);
      expect(outcomeOf(held)).toEqual([403, '900']);
      expect(await eventsOf(id, 'login.blocked')).toBe(2);
      const subjects = () =>
        app.mailbox
          .to(email)
          .filter(({ subject }) => subject === 'Too many wrong passwords for your account');
      await app.mailbox.waitFor(email, 2);
      expect(subjects()).toHaveLength(1);
      await reset(email);
      const { body } = await attempt(email, NEW_PASSWORD);
      expect((await paths.deletion(String(body.access_token), NEW_PASSWORD)).status).toBe(204);
    }, 60_000);
  });

  it('tells the owner of a login after several wrong passwords', async () => {
    const actor = await verified(app);
    await attempt(actor.email, PASSWORD);
    await guessTimes(actor.email, 4);
    await attempt(actor.email, PASSWORD);
    await guessTimes(actor.email, 5);
    await attempt(actor.email, PASSWORD);
    const letter = await app.mailbox.waitFor(actor.email, 2);
    expect(letter.subject).toBe('A sign-in after several wrong passwords');
    expect(letter.text).toContain('after 5 wrong passwords');
  });

  it('counts attempts by outcome in the metrics', async () => {
    const metric = async () => {
      const text = await app.nest.get(Registry).getSingleMetricAsString('gatehouse_login_attempts_total');
      const values = [...text.matchAll(/\{outcome="(\w+)"\} (\d+)/g)].map(([, name, value]) => [
        name!,
        Number(value),
      ]);
      return Object.fromEntries(values) as Record<string, number>;
    };
    const [actor, waiting, disabled] = [await verified(app), await unverified(app), await verified(app)];
    await app.database.query('UPDATE users SET is_active = false WHERE id = $1', [disabled.id]);
    const before = await metric();
    await attempt(actor.email, PASSWORD);
    await attempt(waiting.email, PASSWORD);
    await attempt(disabled.email, PASSWORD);
    for (let time = 0; time < 8; time++) await guess(actor.email);
    const after = await metric();
    const changes = Object.entries(after).map(([name, value]) => [name, value - (before[name] ?? 0)]);
    expect(Object.fromEntries(changes)).toEqual({
      succeeded: 1,
      failed: 5,
      blocked: 3,
      unverified: 1,
      disabled: 1,
    });
  });

  it('forgets few wrong passwords after a month and many after a year, but no block for good', async () => {
    const job = app.nest.get(IdleFailuresJob, { strict: false });
    clock.advance(400 * DAY);
    await job.run();
    const kept = (await records()).length;
    const [few, many, lost] = [freshEmail(), freshEmail(), freshEmail()];
    await guessTimes(lost, 100);
    await guessTimes(many, 7);
    await guessTimes(few, 3);
    clock.advance(30 * DAY - HOUR);
    await job.run();
    expect(await records()).toHaveLength(kept + 3);
    clock.advance(2 * HOUR);
    await job.run();
    expect(await records()).toHaveLength(kept + 2);
    clock.advance(330 * DAY);
    await job.run();
    expect(await records()).toHaveLength(kept + 2);
    clock.advance(10 * DAY);
    await job.run();
    expect(await records()).toHaveLength(kept + 1);
    expect(await guess(lost)).toEqual([401, '900']);
    await job.run();
    expect(await guess(lost)).toEqual([401, '900']);
  }, 60_000);
});

function flip(bytes: Buffer, index: number): Buffer {
  bytes[index]! ^= 1;
  return bytes;
}
