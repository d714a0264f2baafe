// Whether the time of an answer tells known addresses from unknown ones. Requests are sent in pairs, known and unknown
// in random order, one after another; what counts is the median of the differences within the pairs.
import { join } from 'node:path';
import postgres from '../dist/src/database/embedded-postgres.js';
import { keep, markdown } from './markdown.mjs';
import { settle } from './place.mjs';
import { Server } from './server.mjs';
import { PRODUCTION } from './settings.mjs';
import { quantile } from './statistics.mjs';

const PAIRS = { '/api/auth/reset-request': 200, '/api/auth/verify/resend': 200, '/api/auth/login': 60 };
/** Milliseconds; far below what the network between them blurs. */
const MOST = 5;
const PASSWORD = 'correct horse 7 battery!';
const BODY = {
  '/api/auth/reset-request': (email) => ({ email }),
  '/api/auth/verify/resend': (email) => ({ email }),
  '/api/auth/login': (email) => ({ email, password: 'wrong horse 7 battery!' }),
};

/** What both kinds are answered: a refusal for another reason would be as quick for both. */
const STATUS = { '/api/auth/reset-request': 202, '/api/auth/verify/resend': 202, '/api/auth/login': 401 };

const folder = settle('enumeration');
const database = await postgres.startEmbeddedPostgres({ dataDir: join(folder, 'postgres') });
const env = { ...PRODUCTION, RATE_LIMITS: '9999', DATABASE_URL: database.url };
const server = await Server.start('gatehouse-as-it-is', { env, cwd: folder, nodeArgs: [] });
try {
  const people = Array.from({ length: 20 }, (_, number) => `known${number}@example.org`);
  for (const email of people) await post('/api/auth/register', { email, password: PASSWORD });
  const rows = [];
  for (const [path, pairs] of Object.entries(PAIRS)) rows.push(await measure(path, pairs, people));
  const text = table(rows);
  process.stdout.write(text);
  if (process.argv.includes('--write')) await keep('ENUMERATION.md', text);
  if (rows.some(({ gap }) => Math.abs(gap) > MOST)) process.exitCode = 1;
} finally {
  await server.stop();
  await database.stop();
}

async function measure(path, pairs, people) {
  const differences = [];
  const known = [];
  for (let pair = 0; pair < pairs; pair++) {
    const addresses = { known: people[pair % people.length], unknown: `nobody${pair}@example.org` };
    const took = {};
    for (const kind of Math.random() < 0.5 ? ['known', 'unknown'] : ['unknown', 'known'])
      took[kind] = await post(path, BODY[path](addresses[kind]));
    differences.push(took.known - took.unknown);
    known.push(took.known);
  }
  return {
    path,
    pairs,
    median: quantile(known, 0.5),
    gap: quantile(differences, 0.5),
    low: quantile(differences, 0.25),
    high: quantile(differences, 0.75),
  };
}

/** Milliseconds until the answer. */
async function post(path, body) {
  const start = performance.now();
  const answer = await server.fetch(path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
  await answer.arrayBuffer();
  const meant = STATUS[path] ?? 201;
  if (answer.status !== meant) throw new Error(`${path} answered ${answer.status} instead of ${meant}`);
  return performance.now() - start;
}

function table(rows) {
  const ms = (value) => value.toFixed(2);
  const lines = rows.map(({ path, pairs, median, gap, low, high }) => [
    `\`POST ${path}\``,
    String(pairs),
    ms(median),
    `${ms(gap)} (${ms(low)} to ${ms(high)})`,
    Math.abs(gap) <= MOST ? 'met' : 'missed',
  ]);
  return `# Known and unknown addresses by time

\`node bench/enumeration.mjs --write\`; production settings, the mail server down, one request after another. The gap is the
median over pairs of known minus unknown, in brackets the middle half of them; the promise is at most ${MOST} ms.

${markdown(['request', 'pairs', 'median ms', 'gap ms', 'promise'], lines)}
`;
}
