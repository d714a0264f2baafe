import {
  array,
  assert,
  asyncProperty,
  constant,
  constantFrom,
  integer,
  nat,
  oneof,
  record,
  type Arbitrary,
} from 'fast-check';
import { PASSWORD, verified } from '../support/actors';
import { TestApp } from '../support/app';
import { DAY, MINUTE } from '../support/clock';
import type { Answer } from '../support/http';

const ROUNDS = 1_000;
/** Rounds of different workers run side by side, each with a clock, a database and users of its own. */
const WORKERS = 2;
const LONGEST_ROUND = 10;

/** Steps that keep clear of every limit (10 s, 15 min, 5 days, 5.5 days), however they add up in a round. */
const CLOCK_STEPS = {
  '4 s': 4_000,
  '11 s': 11_000,
  '6 min': 6 * MINUTE,
  '20 min': 20 * MINUTE,
  '3 d': 3 * DAY,
  '8 d': 8 * DAY,
};
const SESSION_TTL = 5 * DAY;
const SESSION_MAX_TTL = 5.5 * DAY;

/**
 * What a client of one user may do. `session` counts the sessions of the round; `back` how many answers ago the
 * token was received that is presented: 0 is the newest.
 */
type Step =
  | { do: 'login' }
  | { do: 'refresh' | 'use' | 'log out' | 'end all' | 'end others'; session: number; back: number }
  | { do: 'end'; session: number; back: number; other: number }
  | { do: 'wait'; time: keyof typeof CLOCK_STEPS };

const session = nat(2);
/** Mostly the newest: a session that has ended has little left to show. */
const back = oneof(
  { weight: 4, arbitrary: constant(0) },
  { weight: 3, arbitrary: integer({ min: 1, max: 3 }) },
);
const rounds = array(
  oneof(
    { weight: 3, arbitrary: record({ do: constant('login' as const) }) },
    { weight: 12, arbitrary: record({ do: constant('refresh' as const), session, back }) },
    { weight: 6, arbitrary: record({ do: constant('use' as const), session, back }) },
    {
      weight: 2,
      arbitrary: record({
        do: constantFrom('log out' as const, 'end all' as const, 'end others' as const),
        session,
        back,
      }),
    },
    {
      weight: 4,
      arbitrary: record({ do: constant('end' as const), session, back, other: session }),
    },
    {
      weight: 5,
      arbitrary: record({
        do: constant('wait' as const),
        time: constantFrom(...(Object.keys(CLOCK_STEPS) as (keyof typeof CLOCK_STEPS)[])),
      }),
    },
  ),
  { minLength: 4, maxLength: LONGEST_ROUND, size: 'max' },
) satisfies Arbitrary<Step[]>;

/** What a session is, as far as a client can tell: this says which answer must come. Times in milliseconds. */
class Model {
  generation = 0;
  isUsed = false;
  isEnded = false;
  rotatedAt = 0;
  expiresAt: number;

  constructor(private readonly createdAt: number) {
    this.expiresAt = createdAt + SESSION_TTL;
  }

  refresh(generation: number, now: number): string {
    if (this.isEnded) return 'token_invalid';
    if (now >= this.expiresAt) return 'token_expired';
    if (generation === this.generation) this.advance(now);
    else if (generation < this.generation - 1 || (this.isUsed && now - this.rotatedAt >= 10_000)) {
      this.isEnded = true;
      return 'refresh_token_reused';
    }
    return `ok, generation ${this.generation}`;
  }

  use(generation: number, receivedAt: number, now: number): string {
    if (now >= receivedAt + 15 * MINUTE) return 'token_expired';
    if (this.isEnded || now >= this.expiresAt) return 'session_revoked';
    if (generation === this.generation) this.isUsed = true;
    return 'ok';
  }

  isLive(now: number): boolean {
    return !this.isEnded && now < this.expiresAt;
  }

  private advance(now: number): void {
    this.generation++;
    this.isUsed = false;
    this.rotatedAt = now;
    this.expiresAt = Math.min(now + SESSION_TTL, this.createdAt + SESSION_MAX_TTL);
  }
}

/** A session on both sides: the model of it, and what the client has received, the newest last. */
interface Known {
  id: string;
  model: Model;
  received: { token: string; refreshToken: string; generation: number; at: number }[];
}

interface Tokens {
  access_token: string;
  refresh_token: string;
}

const KINDS_OF_ANSWER = [
  'refresh: ok, generation 1',
  'refresh: ok, generation 3',
  'refresh: refresh_token_reused',
  'refresh: token_expired',
  'refresh: token_invalid',
  'use: ok',
  'use: session_revoked',
  'use: token_expired',
  'log out: ok',
  'end: ok',
  'end: not_found',
  'end all: ok, 1 ended',
  'end others: ok, 0 ended',
];

const COPY_USERS = `
  INSERT INTO users (id, email, email_canonical, password_hash, email_verified_at, created_at, updated_at)
  SELECT id, id || '@example.org', id || '@example.org', password_hash, email_verified_at, created_at, updated_at
  FROM (SELECT gen_random_uuid() AS id, password_hash, email_verified_at, created_at, updated_at
        FROM users, generate_series(1, 500) WHERE email = $1) AS copies
  RETURNING email`;

/** A client of the real service that takes the same steps as the models of its sessions. */
class Worker {
  commands = 0;
  readonly outcomes: Record<string, number> = {};
  private emails: string[] = [];

  private constructor(
    private readonly app: TestApp,
    private readonly template: string,
  ) {}

  static async start(): Promise<Worker> {
    const app = await TestApp.start({
      env: { SESSION_TTL: '5d', SESSION_MAX_TTL: '132h', RATE_LIMITS: 'off', LOG_LEVEL: 'silent' },
    });
    return new Worker(app, (await verified(app)).email);
  }

  stop(): Promise<void> {
    return this.app.close();
  }

  /** Plays a round as a new user; throws at the first answer that the model does not expect. */
  async play(steps: Step[]): Promise<void> {
    const email = await this.newUser();
    const known = [await this.login(email)];
    for (const [index, step] of steps.entries()) {
      const { expected, answer } = await this.take(step, email, known);
      if (!answer) continue;
      const actual = outcomeOf(answer);
      this.commands++;
      this.outcomes[`${step.do}: ${actual}`] = (this.outcomes[`${step.do}: ${actual}`] ?? 0) + 1;
      if (actual !== expected) throw new Error(`step ${index + 1} answered ${actual} instead of ${expected}`);
    }
  }

  private async take(
    step: Step,
    email: string,
    known: Known[],
  ): Promise<{ expected?: string; answer?: Answer<object> }> {
    const { http, clock } = this.app;
    if (step.do === 'wait') {
      clock.advance(CLOCK_STEPS[step.time]);
      return {};
    }
    if (step.do === 'login') {
      known.push(await this.login(email));
      return {};
    }
    const subject = known[step.session % known.length]!;
    const { model, received } = subject;
    const { token, refreshToken, generation, at } = received[Math.max(0, received.length - 1 - step.back)]!;
    const now = clock.now().getTime();
    if (step.do === 'refresh') {
      const expected = model.refresh(generation, now);
      const answer = await http.post<Tokens>('/api/auth/refresh', { refresh_token: refreshToken });
      if (answer.status === 200) received.push(this.receive(answer.body, model.generation));
      return { expected, answer };
    }
    const access = model.use(generation, at, now);
    const live = access === 'ok' ? known.filter(({ model }) => model.isLive(now)) : [];
    if (step.do === 'use')
      return { expected: access, answer: await http.get('/api/auth/profile', { token }) };
    if (step.do === 'log out') {
      if (access === 'ok') model.isEnded = true;
      return { expected: access, answer: await http.post('/api/auth/logout', undefined, { token }) };
    }
    const password = PASSWORD;
    if (step.do === 'end') {
      const other = known[step.other % known.length]!;
      const expected = access === 'ok' && !live.includes(other) ? 'not_found' : access;
      if (expected === 'ok') other.model.isEnded = true;
      return {
        expected,
        answer: await http.delete(`/api/auth/sessions/${other.id}`, { password }, { token }),
      };
    }
    const exceptCurrent = step.do === 'end others';
    const over = live.filter((one) => !exceptCurrent || one !== subject);
    for (const one of over) one.model.isEnded = true;
    const answer = await http.post('/api/auth/logout-all', { password, exceptCurrent }, { token });
    return { expected: access === 'ok' ? `ok, ${over.length} ended` : access, answer };
  }

  private async login(email: string): Promise<Known> {
    const model = new Model(this.app.clock.now().getTime());
    const { status, body } = await this.app.http.post<Tokens>('/api/auth/login', {
      email,
      password: PASSWORD,
    });
    if (status !== 200) throw new Error(`login answered ${status}`);
    this.commands++;
    const claims = Buffer.from(body.access_token.split('.')[1]!, 'base64url').toString();
    const { sid } = JSON.parse(claims) as { sid: string };
    return { id: sid, model, received: [this.receive(body, 0)] };
  }

  private receive({ access_token: token, refresh_token: refreshToken }: Tokens, generation: number) {
    return { token, refreshToken, generation, at: this.app.clock.now().getTime() };
  }

  /** Made in the database, as copies of one that has signed up: what is tested begins at the login. */
  private async newUser(): Promise<string> {
    if (this.emails.length === 0) {
      const rows = await this.app.database.query<{ email: string }>(COPY_USERS, [this.template]);
      this.emails = rows.map(({ email }) => email);
    }
    return this.emails.pop()!;
  }
}

function outcomeOf({ status, body }: Answer<object>): string {
  const { code, revoked, refresh_token: refreshToken } = (body ?? {}) as Record<string, unknown>;
  if (status >= 400) return String(code);
  if (refreshToken) return `ok, generation ${generationIn(String(refreshToken))}`;
  return revoked === undefined ? 'ok' : `ok, ${Number(revoked)} ended`;
}

function generationIn(refreshToken: string): number {
  return Buffer.from(refreshToken.slice('ghr_'.length), 'base64url').readUInt32BE(16);
}

describe('sessions, in any order of events', () => {
  let workers: Worker[];

  beforeAll(async () => {
    workers = await Promise.all(Array.from({ length: WORKERS }, () => Worker.start()));
  });
  afterAll(() => Promise.all(workers.map((worker) => worker.stop())));

  it(`answer as the model says in ${ROUNDS} random rounds of logins, refreshes, replays, ends and waits`, async () => {
    const startedAt = performance.now();
    // A failure names its seed and the shortest round that shows it; `assert(…, { seed, path })` plays it again.
    const results = await Promise.allSettled(
      workers.map((worker) =>
        assert(
          asyncProperty(rounds, (steps) => worker.play(steps)),
          { numRuns: ROUNDS / WORKERS },
        ),
      ),
    );
    const seconds = Math.round((performance.now() - startedAt) / 1000);
    const commands = workers.reduce((sum, worker) => sum + worker.commands, 0);
    process.stdout.write(`  ${commands} commands in ${ROUNDS} rounds, ${seconds} s\n`);
    for (const result of results) if (result.status === 'rejected') throw result.reason;

    // Every kind of answer has come up: otherwise the rounds show less than they seem to.
    const seen = new Set(workers.flatMap(({ outcomes }) => Object.keys(outcomes)));
    expect(KINDS_OF_ANSWER.filter((kind) => !seen.has(kind))).toEqual([]);
  }, 240_000);
});
