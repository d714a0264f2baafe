import { setTimeout as sleep } from 'node:timers/promises';
import type { INestApplicationContext } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { DataSource } from 'typeorm';
import { CommonModule } from '../../src/common/common.module';
import { ConfigModule } from '../../src/config/config.module';
import { Config } from '../../src/config/config';
import { readEnv } from '../../src/config/env';
import { DatabaseModule } from '../../src/database/database.module';
import { JobsModule } from '../../src/jobs/jobs.module';
import { Jobs } from '../../src/jobs/jobs.service';
import { MailModule } from '../../src/mail/mail.module';
import { MailService, type Composer } from '../../src/mail/mail.service';
import { TEST_SECRET } from '../support/app';
import { createDatabase, type TestDatabase } from '../support/database';
import { MailServer } from '../support/mail-server';

const LINK = 'https://app.example.org/verify-email#token=abc';

const quiet = () => undefined;

/** A process of the service, as far as letters go. User ids are mail addresses here: the composer is a stand-in. */
class Process {
  private constructor(
    private readonly nest: INestApplicationContext,
    readonly mail = nest.get(MailService),
    readonly jobs = nest.get(Jobs),
    readonly dataSource = nest.get(DataSource),
  ) {}

  static async start(database: TestDatabase, smtpUrl: string, composer = compose): Promise<Process> {
    const env = { NODE_ENV: 'test', DATABASE_URL: database.url, JWT_SECRET: TEST_SECRET, SMTP_URL: smtpUrl };
    const config = Config.from(readEnv({ ...env, MAIL_FROM: 'Gatehouse <hello@mail.example.org>' }), {});
    const imports = [ConfigModule.with(config), CommonModule, DatabaseModule.with(), JobsModule, MailModule];
    const nest = await Test.createTestingModule({ imports })
      .setLogger({ log: quiet, warn: quiet, error: quiet })
      .compile();
    nest.get(MailService).register('verify-email', composer);
    await nest.init();
    return new Process(nest);
  }

  async write(address: string, params: Record<string, string> = {}): Promise<void> {
    await this.dataSource.transaction((tx) => this.mail.enqueue('verify-email', address, params, tx));
  }

  async stop(): Promise<void> {
    await this.nest.close();
  }
}

const compose: Composer = async ({ userId, params }) => ({
  to: userId,
  variables: { name: params.name ?? '', link: LINK, expiresIn: '24 hours' },
});

async function until<T>(
  what: string,
  probe: () => T | Promise<T>,
  timeout = 15_000,
): Promise<NonNullable<T>> {
  for (const deadline = Date.now() + timeout; Date.now() < deadline; await sleep(25)) {
    const found = await probe();
    if (found) return found;
  }
  throw new Error(`${what}: not within ${timeout} ms`);
}

let count = 0;
const freshAddress = () => `reader${++count}@example.org`;

describe('delivery of letters', () => {
  let database: TestDatabase;
  let server: MailServer;
  let smtpUrl: string;
  let service: Process;

  beforeAll(async () => {
    database = await createDatabase();
    server = new MailServer();
    smtpUrl = await server.listen();
    service = await Process.start(database, smtpUrl);
  });

  afterAll(async () => {
    await service.stop();
    await server.close();
    await database.drop();
  });

  /** What a single test has started is closed after it, whatever became of it; the latest first. */
  const closing: (() => Promise<void>)[] = [];
  afterEach(async () => {
    server.behaviour = () => undefined;
    for (const close of closing.splice(0).toReversed()) await close();
  });

  const ownDatabase = async () => {
    const own = await createDatabase();
    closing.push(() => own.drop());
    return own;
  };
  const ownServer = async () => {
    const own = new MailServer();
    closing.push(() => own.close());
    return own;
  };
  const startProcess = async (on: TestDatabase, composer?: Composer, url = smtpUrl) => {
    const process = await Process.start(on, url, composer);
    closing.push(() => process.stop());
    return process;
  };

  const arrived = (address: string, timeout?: number) =>
    until(
      `a letter to ${address}`,
      () => server.to(address).find(({ reply }) => reply === '250 taken'),
      timeout,
    );
  const jobFor = async (address: string) => {
    const rows = await database.query<{
      id: string;
      state: string;
      retry_count: number;
      output: object | null;
    }>(`SELECT id, state, retry_count, output FROM pgboss.job WHERE name = 'mail' AND data->>'userId' = $1`, [
      address,
    ]);
    return rows[0]!;
  };
  const parkedFor = (address: string) =>
    database.query<{ source_id: string; source_output: object }>(
      `SELECT source_id, source_output FROM pgboss.job WHERE name = 'mail-parked' AND data->>'userId' = $1`,
      [address],
    );
  const settled = (address: string, state: string) =>
    until(`job for ${address} ${state}`, async () => (await jobFor(address)).state === state);

  describe('a letter', () => {
    it('arrives as text and HTML, from MAIL_FROM, with its id as Message-ID', async () => {
      const address = freshAddress();
      await service.write(address, { name: 'Ada' });
      const { mail } = await arrived(address);
      expect(mail).toMatchObject({
        subject: 'Confirm your email address',
        from: { name: 'Gatehouse', address: 'hello@mail.example.org' },
        to: [{ address }],
        messageId: `<${(await jobFor(address)).id}@mail.example.org>`,
      });
      expect(mail.text).toContain('Hello Ada,');
      expect(mail.text).toContain(LINK);
      expect(mail.html).toContain('Hello Ada,');
      expect(mail.html).toContain(`href="${LINK.replace('=', '&#x3D;')}"`);
      expect(mail.headers).toContainEqual(
        expect.objectContaining({ key: 'auto-submitted', value: 'auto-generated' }),
      );
    });

    it('leaves soon after the commit, without waiting for the next look at the queue', async () => {
      const address = freshAddress();
      await service.write(address);
      await arrived(address, 1_500);
    });

    it('is sent once, each of many, more than ten in a second', async () => {
      const addresses = Array.from({ length: 40 }, freshAddress);
      await service.dataSource.transaction(async (tx) => {
        for (const address of addresses) await service.mail.enqueue('verify-email', address, {}, tx);
      });
      await Promise.all(addresses.map((address) => arrived(address, 4_000)));
      await sleep(300);
      expect(addresses.map((address) => server.to(address).length)).toEqual(addresses.map(() => 1));
    });

    it('is not sent when the transaction that promised it is rolled back', async () => {
      const address = freshAddress();
      const failure = service.dataSource.transaction(async (tx) => {
        await service.mail.enqueue('verify-email', address, {}, tx);
        throw new Error('no account after all');
      });
      await expect(failure).rejects.toThrow('no account after all');
      await sleep(500);
      expect(server.to(address)).toEqual([]);
      expect(await jobFor(address)).toBeUndefined();
    });

    it('is not sent when its composer finds that nobody wants it any more', async () => {
      const isolated = await ownDatabase();
      const other = await startProcess(isolated, async () => null);
      const address = freshAddress();
      await other.write(address);
      await until('the job is done', async () => {
        const [job] = await isolated.query(
          `SELECT 1 FROM pgboss.job WHERE name = 'mail' AND state = 'completed'`,
        );
        return job;
      });
      expect(server.to(address)).toEqual([]);
    });

    it('for nobody is a job like any other, and comes to nothing', async () => {
      const before = server.letters.length;
      await service.dataSource.transaction((tx) => service.mail.enqueueNothing(tx));
      await until('the job is done', async () => {
        const [job] = await database.query(
          `SELECT 1 FROM pgboss.job WHERE name = 'mail' AND state = 'completed' AND data->>'template' = 'nothing'`,
        );
        return job;
      });
      expect(server.letters).toHaveLength(before);
    });

    it('shows a hostile name as what it is', async () => {
      const address = freshAddress();
      await service.write(address, { name: '<script>alert("1")</script>\r\nBcc: everybody\u202Etxt' });
      const { mail } = await arrived(address);
      expect(mail.html).toContain('&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;');
      expect(mail.html).not.toContain('<script');
      expect(mail.text).toMatch(/^Hello <script>alert\("1"\)<\/script> Bcc: everybody txt,$/m);
      expect(mail.bcc).toBeUndefined();
    });

    it('does not carry an advertisement that poses as a name', async () => {
      const address = freshAddress();
      await service.write(address, { name: 'You won! http://evil.example/claim' });
      const { mail } = await arrived(address);
      expect(mail.text).toContain('Hello,');
      expect(mail.text + mail.html!).not.toContain('evil');
    });

    it.each([
      '"a,b"@example.org',
      'a@example.org, b@example.org',
      'a@example.org\r\nRCPT TO:<b@example.org>',
      '<a@example.org>',
    ])('is parked rather than sent to %j', async (address) => {
      const before = server.letters.length;
      await service.write(address);
      await settled(address, 'failed');
      expect(await parkedFor(address)).toMatchObject([{ source_output: { code: 'EADDRESS' } }]);
      expect(server.letters).toHaveLength(before);
    });
  });

  describe('when the mail server', () => {
    it('is down for a while, nothing is lost, nothing comes twice and requests take no longer', async () => {
      const later = await ownServer();
      const url = await later.listen();
      await later.close();
      const other = await startProcess(await ownDatabase(), compose, url);
      const addresses = Array.from({ length: 20 }, freshAddress);
      const startedAt = performance.now();
      for (const address of addresses) await other.write(address);
      expect((performance.now() - startedAt) / addresses.length).toBeLessThan(100);
      await sleep(2_500);
      expect(await other.jobs.depth('mail')).toMatchObject({ waiting: expect.any(Number), parked: 0 });
      await later.listen(Number(new URL(url).port));
      await until('all letters', () => addresses.every((address) => later.to(address).length > 0), 20_000);
      await sleep(300);
      expect(addresses.map((address) => later.to(address).length)).toEqual(addresses.map(() => 1));
      await until('an empty queue', async () => (await other.jobs.depth('mail')).waiting === 0);
    });

    it('says 4xx, the letter is tried again', async () => {
      const address = freshAddress();
      let refusals = 0;
      server.behaviour = (moment, to) => {
        if (moment !== 'recipient' || to !== address || refusals === 2) return undefined;
        refusals++;
        return '451 4.7.1 greylisted';
      };
      await service.write(address);
      await arrived(address);
      await settled(address, 'completed');
      expect(refusals).toBe(2);
      expect(server.to(address)).toHaveLength(1);
    });

    it('refuses the recipient or the letter with 5xx, it is parked and the others go on', async () => {
      const [unknown, unwanted, fine] = [freshAddress(), freshAddress(), freshAddress()];
      let refusals = 0;
      server.behaviour = (moment, to) => {
        if (!(moment === 'recipient' && to === unknown) && !(moment === 'letter' && to === unwanted))
          return undefined;
        refusals++;
        return moment === 'recipient' ? `550 5.1.1 no ${to} here` : '554 5.7.1 not this';
      };
      const { parked } = await service.jobs.depth('mail');
      for (const address of [unknown, unwanted, fine]) await service.write(address);
      await arrived(fine);
      await Promise.all([settled(unknown, 'failed'), settled(unwanted, 'failed')]);
      await sleep(2_500);
      expect(refusals).toBe(2);
      expect(await parkedFor(unknown)).toMatchObject([
        { source_id: (await jobFor(unknown)).id, source_output: { smtpCode: 550, code: 'EENVELOPE' } },
      ]);
      expect(await parkedFor(unwanted)).toMatchObject([
        { source_output: { smtpCode: 554, code: 'EMESSAGE' } },
      ]);
      expect(JSON.stringify(await parkedFor(unknown))).not.toContain('no ');
      expect(await service.jobs.depth('mail')).toMatchObject({ parked: parked + 2 });
    });

    it('refuses us rather than the letter, the letter waits', async () => {
      const address = freshAddress();
      let refusals = 0;
      const own = await ownServer();
      own.behaviour = (moment) =>
        moment === 'greeting' && ++refusals < 3 ? '554 5.7.1 not from you' : undefined;
      const other = await startProcess(await ownDatabase(), compose, await own.listen());
      await other.write(address);
      await until('the letter', () => own.to(address)[0]);
      expect(refusals).toBe(3);
    });

    it('hangs, it is left within 10 s and the letter is tried again', async () => {
      const address = freshAddress();
      let hungAt = 0;
      server.behaviour = (moment, to) => {
        if (moment !== 'recipient' || to !== address || hungAt > 0) return undefined;
        hungAt = performance.now();
        return 'hang';
      };
      const other = freshAddress();
      await service.write(address);
      await until('the hang', () => hungAt);
      await service.write(other);
      await arrived(other, 2_000);
      await until('the job waits', async () => (await jobFor(address)).state === 'retry', 12_000);
      expect(performance.now() - hungAt).toBeLessThan(11_000);
      await arrived(address);
      expect(server.to(address)).toHaveLength(1);
    });

    it('breaks off before it says that it took the letter, at most one more comes, with the same Message-ID', async () => {
      const address = freshAddress();
      let drops = 0;
      server.behaviour = (moment, to) =>
        moment === 'letter' && to === address && drops++ === 0 ? 'drop' : undefined;
      await service.write(address);
      await arrived(address);
      await settled(address, 'completed');
      const ids = server.to(address).map(({ mail }) => mail.messageId);
      expect(ids).toHaveLength(2);
      expect(ids[0]).toBe(ids[1]);
    });
  });

  describe('processes', () => {
    it('share the work: two on one database send each letter once', async () => {
      const second = await startProcess(database);
      const addresses = Array.from({ length: 60 }, freshAddress);
      await Promise.all(addresses.map((address, index) => [service, second][index % 2]!.write(address)));
      await Promise.all(addresses.map((address) => arrived(address)));
      await sleep(300);
      expect(addresses.map((address) => server.to(address).length)).toEqual(addresses.map(() => 1));
    });

    it('stop with the letter under way delivered', async () => {
      const isolated = await ownDatabase();
      const slow = await startProcess(isolated, async (letter) => {
        await sleep(800);
        return compose(letter);
      });
      const address = freshAddress();
      await slow.write(address);
      await until('it is under way', async () => {
        const [job] = await isolated.query(
          `SELECT 1 FROM pgboss.job WHERE name = 'mail' AND state = 'active'`,
        );
        return job;
      });
      await slow.stop();
      expect(server.to(address)).toHaveLength(1);
      expect(await isolated.query(`SELECT state FROM pgboss.job WHERE name = 'mail'`)).toEqual([
        { state: 'completed' },
      ]);
    });

    it('take over what a killed one had begun', async () => {
      const address = freshAddress();
      // What SIGKILL leaves behind: a job under way whose lease nobody renews.
      await database.query(
        `INSERT INTO pgboss.job (name, data, state, started_on, heartbeat_on, heartbeat_seconds, retry_limit)
         VALUES ('mail', $1, 'active', now() - interval '30 s', now() - interval '21 s', 20, 10)`,
        [JSON.stringify({ template: 'verify-email', userId: address, params: {} })],
      );
      await arrived(address, 15_000);
    });

    it('let no poisoned letter hold up the rest', async () => {
      const isolated = await ownDatabase();
      const other = await startProcess(isolated, async (letter) => {
        if (letter.userId.startsWith('poison')) throw new Error(`cannot write to ${letter.userId}`);
        return compose(letter);
      });
      const unknown = JSON.stringify({ template: 'no-such-letter', userId: 'x', params: {} });
      await isolated.query(
        `INSERT INTO pgboss.job (name, data, retry_backoff) VALUES ('mail', $1, true), ('mail', 'null', true)`,
        [unknown],
      );
      for (let n = 0; n < 10; n++) await other.write(`poison${n}@example.org`);
      const address = freshAddress();
      await other.write(address);
      await arrived(address, 4_000);
      const jobs = await isolated.query<{ output: unknown }>(
        `SELECT output FROM pgboss.job WHERE name = 'mail' AND state IN ('retry', 'active')`,
      );
      expect(jobs).toHaveLength(12);
      expect(JSON.stringify(jobs)).not.toContain('@example.org');
    });

    it('go on by themselves after the database was away', async () => {
      await database.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`,
      );
      const address = freshAddress();
      await until('the database takes a letter', () =>
        service.write(address).then(
          () => true,
          () => false,
        ),
      );
      await arrived(address);
    });
  });
});
