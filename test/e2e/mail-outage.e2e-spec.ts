import { setTimeout as sleep } from 'node:timers/promises';
import { freshEmail, login, PASSWORD } from '../support/actors';
import { TestApp } from '../support/app';
import { HOUR } from '../support/clock';
import { Mailbox } from '../support/mailbox';

const PEOPLE = 15;

describe('while the mail server refuses connections', () => {
  let app: TestApp;
  let mailbox: Mailbox;
  let port: number;

  beforeAll(async () => {
    mailbox = new Mailbox();
    const smtpUrl = await mailbox.listen();
    port = Number(new URL(smtpUrl).port);
    app = await TestApp.start({ smtpUrl });
  });
  afterAll(async () => {
    await app.close();
    await mailbox.close();
  });

  it('registration is answered as before, and one letter reaches everybody afterwards', async () => {
    const before = await registerPeople();
    for (const { email } of before) await mailbox.waitFor(email);

    await mailbox.close();
    const during = await registerPeople();
    // Every letter has been tried in vain meanwhile.
    expect(await eventually(async () => (await pending()).tried === PEOPLE)).toBe(true);
    expect(median(during)).toBeLessThan(3 * median(before) + 30);
    // A letter that is being tried at the moment is not waiting.
    expect(await eventually(async () => (await health()).mailQueue?.waiting === PEOPLE)).toBe(true);
    expect((await health()).mailQueue?.status).toBe('up');

    // Longer than a link is valid: it counts from when it was sent.
    app.clock.advance(48 * HOUR);
    mailbox = new Mailbox();
    await mailbox.listen(port);
    for (const { email } of during) await mailbox.waitFor(email, 1, 60_000);
    expect(await eventually(async () => (await pending()).letters === 0)).toBe(true);
    expect(mailbox.letters.map(({ to }) => to).sort()).toEqual(during.map(({ email }) => email).sort());
    expect(
      meanDisplacement(
        during.map(({ email }) => email),
        mailbox.letters.map(({ to }) => to),
      ),
    ).toBeLessThan(4);
    for (const { email } of during) {
      const { token } = await mailbox.waitFor(email);
      expect((await app.http.post('/api/auth/verify', { token })).status).toBe(200);
      await login(app, { email, password: PASSWORD });
    }
  }, 120_000);

  async function registerPeople(): Promise<{ email: string; milliseconds: number }[]> {
    const people = [];
    for (let count = 0; count < PEOPLE; count++) {
      const email = freshEmail();
      const startedAt = performance.now();
      const { status } = await app.http.post('/api/auth/register', { email, password: PASSWORD });
      people.push({ email, milliseconds: performance.now() - startedAt });
      expect(status).toBe(201);
    }
    return people;
  }

  async function health() {
    const { body } = await app.http.get<{ details: Record<string, { status: string; waiting?: number }> }>(
      '/health',
    );
    return body.details;
  }

  async function pending() {
    const [row] = await app.database.query<{ letters: number; tried: number }>(
      `SELECT count(*)::int AS letters, count(*) FILTER (WHERE state = 'retry' OR retry_count > 0)::int AS tried
       FROM pgboss.job WHERE name = 'mail' AND state < 'completed'`,
    );
    return row!;
  }
});

/** Places that a letter is away from its turn, oldest first; several are under way at once, so not quite 0. In random order: 5. */
function meanDisplacement(expected: string[], arrived: string[]): number {
  const distances = expected.map((email, turn) => Math.abs(arrived.indexOf(email) - turn));
  return distances.reduce((sum, distance) => sum + distance, 0) / distances.length;
}

function median(people: { milliseconds: number }[]): number {
  return people.map(({ milliseconds }) => milliseconds).sort((a, b) => a - b)[people.length >> 1]!;
}

async function eventually(condition: () => Promise<boolean>): Promise<boolean> {
  for (const deadline = Date.now() + 30_000; Date.now() < deadline; await sleep(50))
    if (await condition()) return true;
  return false;
}
