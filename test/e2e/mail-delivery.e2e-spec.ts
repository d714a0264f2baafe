import { setTimeout as sleep } from 'node:timers/promises';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { DataSource } from 'typeorm';
import { newId } from '../../src/common/crypto/tokens';
import { ConfigModule } from '../../src/config/config.module';
import { Config } from '../../src/config/config';
import { readEnv } from '../../src/config/env';
import { DatabaseModule } from '../../src/database/database.module';
import { JobsModule } from '../../src/jobs/jobs.module';
import { Jobs } from '../../src/jobs/jobs.service';
import { MailModule } from '../../src/mail/mail.module';
import { MailService, type Composer } from '../../src/mail/mail.service';
import { MailboxModule } from '../../src/mail/mailbox/mailbox.module';
import { TEST_SECRET } from '../support/app';
import { createDatabase, type TestDatabase } from '../support/database';
import { MailServer } from '../support/mail-server';

const LINK = 'https://app.example.org/verify-email#token=abc';

/** A process of the service, as far as letters go. User ids are mail addresses here: the composer is a stand-in. */
class Process {
  private constructor(
    readonly nest: NestFastifyApplication,
    readonly mail: MailService,
    readonly jobs: Jobs,
    readonly dataSource: DataSource,
  ) {}

  static async start(database: TestDatabase, smtpUrl: string | undefined, composer = compose): Promise<Process> {
    const env = { NODE_ENV: 'test', DATABASE_URL: database.url, JWT_SECRET: TEST_SECRET, SMTP_URL: smtpUrl };
    const config = Config.from(readEnv({ ...env, MAIL_FROM: 'Gatehouse <hello@mail.example.org>' }), {});
    const imports = [ConfigModule.with(config), DatabaseModule, JobsModule, MailModule];
    const testing = await Test.createTestingModule({
      imports: smtpUrl === undefined ? [...imports, MailboxModule] : imports,
    }).compile();
    const nest = testing.createNestApplication<NestFastifyApplication>(new FastifyAdapter(), { logger: false });
    nest.get(MailService).register('verify-email', composer);
    await nest.init();
    return new Process(nest, nest.get(MailService), nest.get(Jobs), nest.get(DataSource));
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

async function until<T>(what: string, probe: () => T | Promise<T>, timeout = 15_000): Promise<NonNullable<T>> {
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

  beforeEach(() => {
    server.behaviour = () => undefined;
  });

  const arrived = (address: string, timeout?: number) =>
    until(`a letter to ${address}`, () => server.to(address).find(({ reply }) => reply === '250 taken'), timeout);
  const jobFor = async (address: string) => {
    const rows = await database.query<{ id: string; state: string; retry_count: number; output: object | null }>(
      `SELECT id, state, retry_count, output FROM pgboss.job WHERE name = 'mail' AND data->>'userId' = $1`,
      [address],
    );
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
      expect(mail.headers).toContainEqual(expect.objectContaining({ key: 'auto-submitted', value: 'auto-generated' }));
    });

    it('leaves soon after the commit, without waiting for the next look at the queue', async () => {
      const address = freshAddress();
      await service.write(address);
      await arrived(address, 1_000);
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
      const isolated = await createDatabase();
      const other = await Process.start(isolated, smtpUrl, async () => null);
      const address = freshAddress();
      await other.write(address);
      await until('the job is done', async () => {
        const [job] = await isolated.query(`SELECT 1 FROM pgboss.job WHERE name = 'mail' AND state = 'completed'`);
        return job;
      });
      expect(server.to(address)).toEqual([]);
      await other.stop();
      await isolated.drop();
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
      await service.write(address, { name: '<script>alert("1")</script>\r\nBcc: all@example.org\u202Etxt' });
      const { mail } = await arrived(address);
      expect(mail.html).toContain('&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;');
      expect(mail.html).not.toContain('<script');
      expect(mail.text).toMatch(/^Hello <script>alert\("1"\)<\/script> Bcc: all@example\.org txt,$/m);
      expect(mail.bcc).toBeUndefined();
    });

    it('does not carry an advertisement that poses as a name', async () => {
      const address = freshAddress();
      await service.write(address, { name: 'You won! http://evil.example/claim' });
      const { mail } = await arrived(address);
      expect(mail.text).toContain('Hello,');
      expect(mail.text + mail.html!).not.toContain('evil');
    });

    it.each(['"a,b"@example.org', 'a@example.org, b@example.org', 'a@example.org\r\nRCPT TO:<b@example.org>', '<a@example.org>'])(
      'is parked rather than sent to %j',
      async (address) => {
        const before = server.letters.length;
        await service.write(address);
        await settled(address, 'failed');
        expect(await parkedFor(address)).toMatchObject([{ source_output: { code: 'EADDRESS' } }]);
        expect(server.letters).toHaveLength(before);
      },
    );
  });

  describe('when the mail server', () => {
    it('is down for a while, nothing is lost, nothing comes twice and requests take no longer', async () => {
      const isolated = await createDatabase();
      const later = new MailServer();
      const url = await later.listen();
      await later.close();
      const other = await Process.start(isolated, url);
      const addresses = Array.from({ length: 20 }, freshAddress);
      const startedAt = performance.now();
      for (const address of addresses) await other.write(address);
      expect((performance.now() - startedAt) / addresses.length).toBeLessThan(50);
      await sleep(2_500);
      expect(await other.jobs.depth('mail')).toMatchObject({ waiting: expect.any(Number), parked: 0 });
      await later.listen(Number(new URL(url).port));
      await until('all letters', () => addresses.every((address) => later.to(address).length > 0), 20_000);
      await sleep(300);
      expect(addresses.map((address) => later.to(address).length)).toEqual(addresses.map(() => 1));
      await until('an empty queue', async () => (await other.jobs.depth('mail')).waiting === 0);
      await other.stop();
      await later.close();
      await isolated.drop();
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

    it.each([
      ['recipient', '550 5.1.1 no such user'],
      ['letter', '554 5.7.1 not this'],
    ] as const)('refuses the %s with 5xx, the letter is parked and the others go on', async (where, reply) => {
      const [refused, fine] = [freshAddress(), freshAddress()];
      let refusals = 0;
      server.behaviour = (moment, to) => {
        if (moment !== where || to !== refused) return undefined;
        refusals++;
        return reply;
      };
      const { parked } = await service.jobs.depth('mail');
      await service.write(refused);
      await service.write(fine);
      await arrived(fine);
      await settled(refused, 'failed');
      await sleep(2_500);
      expect(refusals).toBe(1);
      const { id } = await jobFor(refused);
      const output = { smtpCode: Number(reply.slice(0, 3)) };
      expect(await parkedFor(refused)).toMatchObject([{ source_id: id, source_output: output }]);
      expect(JSON.stringify(await parkedFor(refused))).not.toContain(refused);
      expect(await service.jobs.depth('mail')).toMatchObject({ parked: parked + 1 });
    });

    it('refuses us rather than the letter, the letter waits', async () => {
      const address = freshAddress();
      let refusals = 0;
      const isolated = await createDatabase();
      const own = new MailServer();
      own.behaviour = (moment) => (moment === 'greeting' && ++refusals < 3 ? '554 5.7.1 not from you' : undefined);
      const other = await Process.start(isolated, await own.listen());
      await other.write(address);
      await until('the letter', () => own.to(address)[0]);
      expect(refusals).toBe(3);
      await other.stop();
      await own.close();
      await isolated.drop();
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
      const second = await Process.start(database, smtpUrl);
      const addresses = Array.from({ length: 60 }, freshAddress);
      await Promise.all(addresses.map((address, index) => [service, second][index % 2]!.write(address)));
      await Promise.all(addresses.map((address) => arrived(address)));
      await second.stop();
      expect(addresses.map((address) => server.to(address).length)).toEqual(addresses.map(() => 1));
    });

    it('stop with the letter under way delivered', async () => {
      const isolated = await createDatabase();
      const slow = await Process.start(isolated, smtpUrl, async (letter) => {
        await sleep(800);
        return compose(letter);
      });
      const address = freshAddress();
      await slow.write(address);
      await until('it is under way', async () => {
        const [job] = await isolated.query(`SELECT 1 FROM pgboss.job WHERE name = 'mail' AND state = 'active'`);
        return job;
      });
      await slow.stop();
      expect(server.to(address)).toHaveLength(1);
      expect(await isolated.query(`SELECT state FROM pgboss.job WHERE name = 'mail'`)).toEqual([{ state: 'completed' }]);
      await isolated.drop();
    });

    it('take over what a killed one had begun', async () => {
      const address = freshAddress();
      // What SIGKILL leaves behind: a job under way whose lease nobody will ever end.
      await database.query(
        `INSERT INTO pgboss.job (name, data, state, started_on, expire_seconds, retry_limit)
         VALUES ('mail', $1, 'active', now() - interval '46 seconds', 45, 10)`,
        [JSON.stringify({ template: 'verify-email', userId: address, params: {} })],
      );
      await arrived(address, 15_000);
    });

    it('let no poisoned letter hold up the rest', async () => {
      const isolated = await createDatabase();
      const other = await Process.start(isolated, smtpUrl, async (letter) => {
        if (letter.userId.startsWith('poison')) throw new Error(`cannot write to ${letter.userId}`);
        return compose(letter);
      });
      const unknown = JSON.stringify({ template: 'no-such-letter', userId: 'x', params: {} });
      await isolated.query(`INSERT INTO pgboss.job (name, data, retry_limit) VALUES ('mail', $1, 10), ('mail', 'null', 10)`, [unknown]);
      for (let n = 0; n < 10; n++) await other.write(`poison${n}@example.org`);
      const address = freshAddress();
      await other.write(address);
      await arrived(address, 4_000);
      const jobs = await isolated.query<{ output: unknown }>(
        `SELECT output FROM pgboss.job WHERE name = 'mail' AND state IN ('retry', 'active')`,
      );
      expect(jobs).toHaveLength(12);
      expect(JSON.stringify(jobs)).not.toContain('@example.org');
      await other.stop();
      await isolated.drop();
    });

    it('go on by themselves after the database was away', async () => {
      await database.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`,
      );
      const address = freshAddress();
      await until('the database takes a letter', () => service.write(address).then(() => true, () => false));
      await arrived(address);
    });
  });

  describe('without SMTP_URL', () => {
    let developer: Process;
    let isolated: TestDatabase;
    const open = (path: string) => developer.nest.inject({ method: 'GET', url: path });

    beforeAll(async () => {
      isolated = await createDatabase();
      developer = await Process.start(isolated, undefined);
    });

    afterAll(async () => {
      await developer.stop();
      await isolated.drop();
    });

    it('GET /dev/mailbox is an empty page at first', async () => {
      const page = await open('/dev/mailbox');
      expect(page.statusCode).toBe(200);
      expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
      expect(page.body).toContain('No letters yet');
      expect((await open('/dev/mailbox/style.css')).headers['content-type']).toBe('text/css; charset=utf-8');
    });

    it('GET /dev/mailbox/letters is what was sent, newest first, on request of one recipient', async () => {
      const [first, second] = [freshAddress(), freshAddress()];
      for (const address of [first, second]) {
        await developer.write(address, { name: '<b>Eve</b>' });
        await until(`letter to ${address}`, async () =>
          (await open(`/dev/mailbox/letters?to=${address}`)).json<unknown[]>().length === 1,
        );
      }
      const letters = (await open('/dev/mailbox/letters')).json<Record<string, unknown>[]>();
      expect(letters.map(({ to }) => to)).toEqual([second, first]);
      expect(letters[0]).toMatchObject({
        from: 'Gatehouse <hello@mail.example.org>',
        subject: 'Confirm your email address',
        messageId: expect.stringMatching(/^<[\w-]{36}@mail\.example\.org>$/),
        links: [LINK],
        text: expect.stringContaining('Hello <b>Eve</b>,'),
        html: expect.stringContaining('Hello &lt;b&gt;Eve&lt;/b&gt;,'),
      });
    });

    it('GET /dev/mailbox lists them with nothing inline and everything escaped', async () => {
      const { body } = await open('/dev/mailbox');
      expect(body).toContain('&lt;b&gt;Eve&lt;/b&gt;');
      expect(body).not.toMatch(/<b>Eve|<script|<style| style=| on\w+=/);
      expect(body).toContain(LINK.replace('=', '&#x3D;'));
    });

    it('GET /dev/mailbox/letters/:id is the letter in a sandbox', async () => {
      const [letter] = (await open('/dev/mailbox/letters')).json<{ id: string }[]>();
      const page = await open(`/dev/mailbox/letters/${letter!.id}`);
      expect(page.headers['content-security-policy']).toMatch(/^sandbox allow-popups allow-popups-to-escape-sandbox;/);
      expect(page.headers['content-security-policy']).not.toContain('script');
      expect(page.body).toContain('<base target="_blank">');
      expect((await open('/dev/mailbox/letters/other')).statusCode).not.toBe(200);
    });
  });
});
