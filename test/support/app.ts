import { Test } from '@nestjs/testing';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { AppModule } from '../../src/app.module';
import { APP_OPTIONS, configureApp, createAdapter } from '../../src/app.setup';
import { Clock } from '../../src/common/clock';
import { HTTP_LIMITS, type HttpLimits } from '../../src/common/http/limits';
import { Config } from '../../src/config/config';
import { readEnv } from '../../src/config/env';
import { MovableClock } from './clock';
import { createDatabase, type TestDatabase } from './database';
import { Http } from './http';
import { Mailbox } from './mailbox';

/** Cheap hashes: what is tested is that they run, not how long they take. */
const ENVIRONMENT = {
  NODE_ENV: 'test',
  BCRYPT_COST: '4',
  // Those that are about limits switch them on.
  RATE_LIMITS: 'off',
  LOG_LEVEL: process.env.TEST_LOG_LEVEL ?? 'silent',
  PUBLIC_URL: 'http://localhost:3000',
};
export const TEST_SECRET = 'Jk3vQm8ZtY1xWc6nRb0sLd5gHf2uPe9a7oKi4TqV';

const mailboxes = new WeakMap<TestDatabase, { mailbox: Mailbox; smtpUrl: string }>();

export interface TestAppOptions {
  env?: Record<string, string>;
  /** Another replica: on this database, with this clock. */
  database?: TestDatabase;
  clock?: MovableClock;
  /** As of a machine whose clock is so many milliseconds ahead; it is not moved. */
  wrongBy?: number;
  /** Letters go here instead of a mailbox of its own; null selects the development mailbox. */
  smtpUrl?: string | null;
  /** Of HTTP: what is to be waited for shorter than in earnest. */
  limits?: Partial<HttpLimits>;
}

/** The whole application as `main` sets it up, listening on a free port, on a database of its own. */
export class TestApp {
  private constructor(
    readonly nest: NestFastifyApplication,
    readonly http: Http,
    readonly database: TestDatabase,
    readonly clock: MovableClock,
    readonly mailbox: Mailbox,
    private readonly ownsDatabase: boolean,
    private readonly ownsMailbox: boolean,
  ) {}

  static async start({
    env = {},
    database,
    clock = new MovableClock(),
    wrongBy,
    smtpUrl,
    limits,
  }: TestAppOptions = {}): Promise<TestApp> {
    const settings = readEnv({ ...ENVIRONMENT, JWT_SECRET: TEST_SECRET, ...env });
    const ownDatabase = database ?? (await createDatabase());
    // Replicas share the mailbox: any of them may send a letter.
    const shared = mailboxes.get(ownDatabase);
    const mailbox = shared?.mailbox ?? new Mailbox();
    const ownSmtpUrl = shared?.smtpUrl ?? (await mailbox.listen());
    if (!shared) mailboxes.set(ownDatabase, { mailbox, smtpUrl: ownSmtpUrl });
    settings.DATABASE_URL = ownDatabase.url;
    settings.SMTP_URL = smtpUrl === null ? undefined : (smtpUrl ?? ownSmtpUrl);
    const config = Config.from(settings, {});
    const testing = await Test.createTestingModule({ imports: [AppModule.with(config)] })
      .overrideProvider(Clock)
      .useValue(wrongBy === undefined ? clock : Clock.wrongBy(wrongBy))
      .compile();
    const adapter = createAdapter(config, { ...HTTP_LIMITS, ...limits });
    const nest = testing.createNestApplication<NestFastifyApplication>(adapter, {
      ...APP_OPTIONS,
      logger: process.env.TEST_LOG_LEVEL ? undefined : false,
    });
    await configureApp(nest);
    await nest.listen(0, '127.0.0.1');
    return new TestApp(nest, new Http(await nest.getUrl()), ownDatabase, clock, mailbox, !database, !shared);
  }

  async close(): Promise<void> {
    await this.nest.close();
    if (this.ownsMailbox) {
      mailboxes.delete(this.database);
      await this.mailbox.close();
    }
    if (this.ownsDatabase) await this.database.drop();
  }
}
