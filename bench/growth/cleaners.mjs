// Runs every cleaner on the full database while others write to the same tables: first in line what is about to be
// deleted, so that whoever would have to wait for a cleaner does wait.
import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { end, SERVER_CORE } from '../place.mjs';
import { environmentOf, HOOKED } from './server.mjs';
import { emailOf } from './shape.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const EVERY_MS = 5;
/** Counters of PostgreSQL arrive late. */
const COUNTED_AFTER_MS = 1_500;

/** An old row of a table, some hundreds from the oldest: in the batch that is being deleted, or in one of the next. */
const oldRow = (table, column, condition = 'true') =>
  `SELECT id FROM ${table} WHERE ${column} > $1 AND ${condition} ORDER BY ${column} LIMIT 1 OFFSET 300`;

/** What each cleaner clears, who gets in its way, and the tables whose locks count. */
const CLEANERS = [
  {
    name: 'expired sessions',
    tables: ['sessions'],
    probes: [login, touch('sessions', 'id', 'last_used_at = now()'), refresh],
  },
  {
    name: 'expired tokens',
    tables: ['verification_tokens', 'reset_tokens', 'security_notices'],
    probes: [login, touch('verification_tokens', 'expires_at', 'consumed_at = now()')],
  },
  {
    name: 'idle failures',
    tables: ['login_failures'],
    probes: [login, touch('login_failures', 'last_failed_at', 'failures = failures')],
  },
  {
    name: 'unverified accounts',
    tables: ['users'],
    probes: [login, touch('users', 'created_at', 'name = name', 'email_verified_at IS NULL'), registerTaken],
  },
  { name: 'audit retention', tables: ['audit_events', 'audit_links'], probes: [login, login, refresh] },
];

export async function runCleaners(url, { users, most, say, folder }) {
  const results = [];
  for (const cleaner of CLEANERS) {
    results.push({ name: cleaner.name, ...(await run(cleaner, url, { users, most, folder })) });
    say(`${cleaner.name}: ${JSON.stringify(results.at(-1))}`);
  }
  return results;
}

async function run({ name, tables, probes }, url, { users, most, folder }) {
  const watcher = await connect(url, 'watcher');
  const args = ['-c', String(SERVER_CORE), process.execPath, ...HOOKED];
  const child = spawn('taskset', [...args, here('cleaner.mjs'), name], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    cwd: folder,
    // Some months of the trail are older than that.
    env: {
      PATH: process.env.PATH,
      ...environmentOf(url),
      AUDIT_RETENTION: '300d',
      EMAIL_VERIFICATION: 'required',
    },
  });
  await once(child, 'message');
  const rows = await deleted(watcher, tables);
  const state = { isOver: false, longestProbe: 0, probes: 0, longestHeld: 0, longestWait: 0 };
  const helpers = probes.map((probe) => keepProbing(url, probe, users, state));
  helpers.push(keepWatching(watcher, tables, state));
  const startedAt = performance.now();
  child.send('run');
  const answer = await Promise.race([once(child, 'message'), sleep(most * 1000, undefined, { ref: false })]);
  const seconds = (performance.now() - startedAt) / 1000;
  state.isOver = true;
  await end(child);
  await Promise.all(helpers);
  await sleep(COUNTED_AFTER_MS);
  const after = await deleted(watcher, tables);
  await watcher.end();
  if (answer?.[0].failure) throw new Error(`${name}: ${answer[0].failure}`);
  return { ...state, rows: after - rows, seconds, isFinished: answer !== undefined };
}

async function keepProbing(url, probe, users, state) {
  const client = await connect(url, 'probe');
  const memory = { users };
  while (!state.isOver) {
    const startedAt = performance.now();
    await probe(client, memory);
    const took = performance.now() - startedAt;
    state.probes += 1;
    state.longestProbe = Math.max(state.longestProbe, took);
    await sleep(Math.max(0, EVERY_MS - took));
  }
  await client.end();
}

/**
 * For how long transactions of the cleaner hold what they have locked here, and for how long anybody has waited for a
 * lock by now, and who held that. With its first row lock a transaction gets an id: what it reads before keeps nobody.
 */
async function keepWatching(client, tables, state) {
  const seenSince = new Map();
  while (!state.isOver) {
    const { rows } = await client.query(
      `SELECT (SELECT array_agg(DISTINCT backend_xid::text) FROM pg_stat_activity JOIN pg_locks USING (pid)
          WHERE application_name = 'gatehouse' AND backend_xid IS NOT NULL
            AND relation = ANY($1::text[]::regclass[]::oid[]) AND mode = ANY($2)) AS holders,
        (SELECT max(extract(epoch FROM clock_timestamp() - waitstart)) * 1000 FROM pg_locks WHERE NOT granted)::float8 AS waited,
        (SELECT format('%s %s %s: %s', application_name, state, wait_event, left(query, 60)) FROM pg_stat_activity
          WHERE pid = (SELECT (pg_blocking_pids(pid))[1] FROM pg_locks WHERE NOT granted ORDER BY waitstart LIMIT 1)) AS blocker,
        extract(epoch FROM clock_timestamp())::float8 * 1000 AS now`,
      // Whoever links events writes to the trail all the time; what a cleaner does to it shuts everybody out.
      [tables, tables[0] === 'audit_events' ? ['AccessExclusiveLock'] : ['RowExclusiveLock']],
    );
    // When it was looked: this process may be late to hear of it.
    const { holders, waited, blocker, now } = rows[0];
    for (const holder of holders ?? []) {
      if (!seenSince.has(holder)) seenSince.set(holder, now);
      state.longestHeld = Math.max(state.longestHeld, now - seenSince.get(holder) + EVERY_MS);
    }
    if (waited > state.longestWait) Object.assign(state, { longestWait: waited, waitedFor: blocker });
    await sleep(EVERY_MS);
  }
}

async function deleted(client, tables) {
  const { rows } = await client.query(
    // Of the audit trail whole months go.
    tables[0] === 'audit_events'
      ? `SELECT -sum(reltuples)::int AS rows FROM pg_class WHERE relname ~ '^audit_(events|links)_\\d' AND $1::text[] IS NOT NULL AND reltuples > 0 AND relkind = 'r'`
      : `SELECT coalesce(sum(n_tup_del), 0)::int AS rows FROM pg_stat_user_tables WHERE relname = ANY($1)`,
    [tables],
  );
  return rows[0].rows;
}

async function connect(url, name) {
  const client = new Client({ connectionString: url, application_name: name });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

/** What a login writes. */
async function login(client, memory) {
  await client.query('BEGIN');
  const { rows } = await client.query('SELECT id FROM users WHERE email_canonical = $1 FOR NO KEY UPDATE', [
    emailOf(randomInt(1, memory.users)),
  ]);
  if (rows[0])
    await client.query(
      `WITH opened AS (
         INSERT INTO sessions (id, user_id, transport, secret_hash, ip, created_at, last_used_at, authenticated_at, expires_at)
         VALUES (uuidv7(), $1, 'bearer', '\\x00', '10.0.0.1', now(), now(), now(), now() + interval '7 days'))
       INSERT INTO audit_events (id, action, user_id, created_at, mac) VALUES (uuidv7(), 'login.succeeded', $1, now(), '\\x00')`,
      [rows[0].id],
    );
  await client.query('COMMIT');
}

/** What a refresh writes, to a session of anybody. */
async function refresh(client) {
  await client.query(
    `UPDATE sessions SET generation = generation + 1, last_used_at = now(), expires_at = now() + interval '7 days'
     WHERE id = (SELECT id FROM sessions WHERE id > (SELECT uuidv7($1 * interval '-1 day')) AND expires_at > now() ORDER BY id LIMIT 1)`,
    [Math.random() * 20],
  );
}

/** Writes to a row that the cleaner is after, as a late click would. */
function touch(table, column, change, condition) {
  const first = column === 'id' ? '00000000-0000-0000-0000-000000000000' : '-infinity';
  return async (client, memory) => {
    memory.from ??= first;
    const { rows } = await client.query(oldRow(table, column, condition), [memory.from]);
    if (!rows[0]) return;
    const { rows: touched } = await client.query(
      `UPDATE ${table} SET ${change} WHERE id = $1 RETURNING ${column}::text AS at`,
      [rows[0].id],
    );
    // The next one is looked for where the cleaner is by now.
    if (!touched[0]) memory.from = await oldest(client, table, column, memory.from, condition);
  };
}

async function oldest(client, table, column, from, condition = 'true') {
  const { rows } = await client.query(
    `SELECT ${column}::text AS at FROM ${table} WHERE ${column} > $1 AND ${condition} ORDER BY ${column} LIMIT 1`,
    [from],
  );
  return rows[0]?.at ?? from;
}

/** Somebody signs up with an address whose account is about to go. */
async function registerTaken(client) {
  const { rows } = await client.query(
    'SELECT email FROM users WHERE email_verified_at IS NULL ORDER BY created_at LIMIT 1 OFFSET 10',
  );
  if (!rows[0]) return;
  await client.query('BEGIN');
  await client.query(
    `INSERT INTO users (id, email, email_canonical, password_hash, created_at, updated_at)
     VALUES (uuidv7(), $1, $1, '!', now(), now()) ON CONFLICT DO NOTHING`,
    [rows[0].email],
  );
  await client.query('ROLLBACK');
}
