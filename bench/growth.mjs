// Whether the service costs as much with a full database as with an empty one, and whether its cleaners get in anybody's
// way. See growth/README.md.
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { Client } from 'pg';
import migrate from '../dist/src/schema/migrate.js';
import { runCleaners } from './growth/cleaners.mjs';
import { fill } from './growth/fill.mjs';
import { startPostgres } from './growth/postgres.mjs';
import { report } from './growth/report.mjs';
import { measure } from './growth/rounds.mjs';
import { keep } from './markdown.mjs';
import { settle } from './place.mjs';

const { values: given } = parseArgs({
  options: {
    scale: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '16' },
    seconds: { type: 'string', default: '1' },
    most: { type: 'string', default: '60' },
    keep: { type: 'string' },
    only: { type: 'string' },
    write: { type: 'boolean', default: false },
  },
});
const USERS = { empty: 100, full: Math.round(1_000_000 * Number(given.scale)) };
/** For the time of filling: what is lost in a crash is filled again. Measured is with PostgreSQL's own settings. */
const HURRIED = { fsync: 'off', full_page_writes: 'off', max_wal_size: "'4GB'", checkpoint_timeout: "'1h'" };

const startedAt = performance.now();
const say = (text) =>
  process.stderr.write(`${((performance.now() - startedAt) / 1000).toFixed(0).padStart(5)} s  ${text}\n`);
const folder = settle('growth');
const dataDir = join(given.keep ? resolve(given.keep) : folder, 'postgres');
mkdirSync(dataDir, { recursive: true });
const server = await startPostgres(dataDir);
try {
  const sides = [];
  for (const name of ['empty', 'full']) sides.push(await prepare(name));
  const [, full] = sides;
  const result = { sizes: await sizesOf(full.client) };
  if (given.only !== 'cleaners')
    result.lines = await measure(sides, {
      rounds: Number(given.rounds),
      seconds: Number(given.seconds),
      folder,
      say,
    });
  if (given.only !== 'requests')
    result.cleaners = await runCleaners(full.url, {
      users: USERS.full,
      most: Number(given.most),
      say,
      folder,
    });
  const { rows } = await full.client.query(
    `SELECT current_setting('server_version') AS version, current_setting('huge_pages_status') AS "hugePages"`,
  );
  for (const { client } of sides) await client.end();
  const text = report({ ...result, given, ...rows[0], users: USERS });
  process.stdout.write(text);
  if (given.write) await keep('GROWTH.md', text);
} finally {
  await server.stop();
}

/** A database of so many users, migrated and filled, unless a run before has kept it. */
async function prepare(name) {
  const url = Object.assign(new URL(server.url), { pathname: `/${name}` }).href;
  await createDatabase(name);
  await migrate.migrateUp({ url, directUrl: url, isPooled: false, poolMax: 3 });
  const client = new Client({ connectionString: url });
  // Where something fails the server is stopped: what failed is to be seen, not what that broke.
  client.on('error', () => undefined);
  await client.connect();
  const users = USERS[name];
  if ((await usersIn(client)) !== users) {
    const startedAt = performance.now();
    await hurry(client, true);
    await fill(client, users, (text) => say(`${name}: ${text}`));
    await markNewest(client);
    await hurry(client, false);
    say(`${name}: filled in ${((performance.now() - startedAt) / 1000).toFixed(0)} s`);
  }
  return { name, url, users, client };
}

async function createDatabase(name) {
  const client = new Client({ connectionString: server.url });
  await client.connect();
  const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [name]);
  if (!rowCount) await client.query(`CREATE DATABASE "${name}"`);
  await client.end();
}

/** 0 where the filling did not come to its end. */
async function usersIn(client) {
  const { rows } = await client.query(`SELECT to_regclass('growth.newest') IS NOT NULL AS "isFilled"`);
  return rows[0].isFilled
    ? Number((await client.query('SELECT filled FROM growth.newest LIMIT 1')).rows[0].filled)
    : 0;
}

/** Whatever is newer was made by a measurement and is removed after it. */
async function markNewest(client) {
  await client.query(`
    CREATE SCHEMA growth;
    CREATE TABLE growth.newest AS SELECT name, id, (SELECT count(*) FROM users) AS filled FROM (
      (SELECT 'users' AS name, id FROM users ORDER BY id DESC LIMIT 1) UNION ALL
      (SELECT 'sessions', id FROM sessions ORDER BY id DESC LIMIT 1)) AS newest`);
}

async function hurry(client, isHurried) {
  for (const [name, value] of Object.entries(HURRIED))
    await client.query(`ALTER SYSTEM ${isHurried ? `SET ${name} = ${value}` : `RESET ${name}`}`);
  await client.query('SELECT pg_reload_conf()');
  await client.query('CHECKPOINT');
}

/** Megabytes of rows and of indexes; partitions count as their table. */
async function sizesOf(client) {
  const { rows } = await client.query(
    `SELECT regexp_replace(relname, '_(\\d{4}_\\d{2}|default)$', '') AS table, sum(reltuples)::float8 AS rows,
       sum(pg_table_size(oid))::float8 / 1e6 AS heap, sum(pg_indexes_size(oid))::float8 / 1e6 AS indexes
     FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
     GROUP BY 1 HAVING sum(reltuples) > 100 ORDER BY 3 DESC`,
  );
  return rows;
}
