import { setTimeout as sleep } from 'node:timers/promises';
import { freshEmail, PASSWORD } from '../support/actors';
import { TEST_SECRET } from '../support/app';
import { createDatabase, type TestDatabase } from '../support/database';
import { Http } from '../support/http';
import { Mailbox } from '../support/mailbox';
import { newFolder, Server } from '../support/server';

const ROUNDS = 20;
/** From before the row is there until after the letter is sent. Milliseconds. */
const LATEST_KILL = 600;
const SMTP_DELAY = 60;
/** From the first answer until letters are sent. Milliseconds. */
const WORK_BEGINS = 700;
/** The lease of a job whose worker was killed has to run out, and somebody has to notice. */
const PATIENCE = 120_000;

interface Round {
  email: string;
  isAcknowledged: boolean;
  killedAt: number;
}

describe('a server that is killed while somebody registers', () => {
  let database: TestDatabase;
  let mailbox: Mailbox;
  let env: Record<string, string>;
  let server: Server | undefined;
  const folder = newFolder();
  const rounds: Round[] = [];

  beforeAll(async () => {
    database = await createDatabase();
    mailbox = new Mailbox({ delay: SMTP_DELAY });
    env = { DATABASE_URL: database.url, JWT_SECRET: TEST_SECRET, SMTP_URL: await mailbox.listen() };
  });
  afterAll(async () => {
    await server?.stop();
    server?.removeFolder();
    await mailbox.close();
    await database.drop();
  });

  const settled = async () => {
    const pending = `SELECT 1 FROM pgboss.job WHERE name = 'mail' AND state < 'completed'`;
    for (const deadline = Date.now() + PATIENCE; Date.now() < deadline; await sleep(250))
      if ((await database.query(pending)).length === 0) return;
    throw new Error(`there are letters that were not sent within ${PATIENCE} ms`);
  };

  it(
    `at ${ROUNDS} random moments sends exactly one letter to everybody who has an account, and none to others`,
    async () => {
      for (let round = 0; round < ROUNDS; round++) {
        server = await Server.start(env, folder);
        await sleep(WORK_BEGINS);
        // Random, but spread over the whole time.
        const delay = ((round + Math.random()) * LATEST_KILL) / ROUNDS;
        rounds.push(await registerAndKill(server, delay));
      }
      server = await Server.start(env, folder);
      await settled();

      const rows = await database.query<{ email: string }>('SELECT email FROM users');
      const accounts = new Set(rows.map(({ email }) => email));
      for (const { email, isAcknowledged } of rounds) {
        const [letter, duplicate, ...more] = mailbox.to(email);
        if (isAcknowledged) expect(accounts).toContain(email);
        expect(letter !== undefined).toBe(accounts.has(email));
        expect(more).toEqual([]);
        if (!duplicate) continue;
        // The letter was taken, and a kill came before that could be noted: the receiver recognises it.
        expect(duplicate.messageId).toBe(letter!.messageId);
        const isAroundKill = (at: number) => letter!.receivedAt <= at && at <= duplicate.receivedAt;
        expect(rounds.some(({ killedAt }) => isAroundKill(killedAt))).toBe(true);
      }
      expect(new Set(mailbox.letters.map(({ messageId }) => messageId)).size).toBe(accounts.size);

      // The rounds were worth it: some were killed before the account was there, some while its letter was on its way.
      const before = rounds.filter(({ email }) => !accounts.has(email));
      const between = rounds.filter(
        ({ email, killedAt }) => (mailbox.to(email)[0]?.receivedAt ?? 0) > killedAt,
      );
      expect(before.length).toBeGreaterThan(0);
      expect(between.length).toBeGreaterThan(0);
    },
    4 * PATIENCE,
  );

  it('has sent letters that work, every copy of them', async () => {
    const http = new Http(server!.baseUrl);
    for (const { token } of mailbox.letters)
      expect((await http.post('/api/auth/verify', { token })).status).toBe(200);
  });

  async function registerAndKill(victim: Server, delay: number): Promise<Round> {
    const email = freshEmail();
    const answer = new Http(victim.baseUrl).post('/api/auth/register', { email, password: PASSWORD }).then(
      ({ status }) => status === 201,
      () => false,
    );
    await sleep(delay);
    await victim.stop('SIGKILL');
    return { email, isAcknowledged: await answer, killedAt: Date.now() };
  }
});
