// Fills a migrated database by set-based SQL. Every figure in it is a function of a row's number, so that two databases
// of one size are alike. The rows are such as the service writes; only MACs and links of the audit trail do not verify.
import { createHash } from 'node:crypto';
import { Client } from 'pg';
import { rowsFor, SECRET } from './shape.mjs';

const CHUNK = 500_000;
/** Of the bcrypt scheme, and of no password that anybody knows. */
const HASH = `$bcrypt-hmac-sha384$p=0$2b$12$${'.'.repeat(53)}`;
const AGENT = `'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/1' || row % 40 || '.0.0.0 Safari/537.36'`;
const IP = `('10.' || row % 200 || '.' || row / 200 % 250 || '.' || row % 250)::inet`;
/** Prime, so that the rows of one user lie as far apart as in a table that grew by itself. */
const STRIDE = 7919;

/**
 * Every table by its columns. `row` runs from 1 to `rows`, `part` is `row / rows` and `owner` the number of a user.
 * `at` may say when the row was made; its id is of that time.
 */
const TABLES = {
  users: {
    at: spreadOver('2 years'),
    columns: {
      id: `user_id(row)`,
      email: `'person' || row || '@example.org'`,
      email_canonical: `'person' || row || '@example.org'`,
      name: `'Person ' || row`,
      password_hash: `'${HASH}'`,
      // One in twenty never clicked the link.
      email_verified_at: `CASE WHEN row % 20 > 0 THEN at END`,
      created_at: 'at',
      updated_at: 'at',
    },
  },
  // A fifth ran out more than a day ago and waits for the cleaner; one in twenty was ended by its user.
  sessions: {
    at: spreadOver('30 days'),
    columns: {
      id: `id_at(at, 's' || row)`,
      user_id: 'user_id(owner)',
      transport: `CASE WHEN row % 10 < 7 THEN 'bearer' ELSE 'cookie' END`,
      // One secret for all of them: the runner makes refresh tokens with it.
      secret_hash: `'\\x${createHash('sha256').update(SECRET).digest('hex')}'::bytea`,
      ip: IP,
      user_agent: AGENT,
      created_at: 'at',
      last_used_at: `least(start(), start() - interval '7 days' + interval '7 days' * (part * 1.25 - 0.25) - interval '1 day' * (part < 0.2)::int)`,
      authenticated_at: 'at',
      expires_at: `start() + interval '7 days' * (part * 1.25 - 0.25) - interval '1 day' * (part < 0.2)::int`,
      revoked_at: `CASE WHEN row % 20 = 0 THEN least(start(), at + interval '1 hour') END`,
    },
  },
  verification_tokens: tokens('verify', '1 day', {
    purpose: `'sign_up'`,
    email: `'person' || owner || '@example.org'`,
  }),
  reset_tokens: tokens('reset', '1 hour'),
  audit_events: {
    at: spreadOver('365 days'),
    columns: {
      id: `id_at(at, 'a' || row)`,
      action: `(ARRAY['login.succeeded', 'login.succeeded', 'login.failed', 'session.revoked', 'password.changed'])[1 + row % 5]`,
      user_id: 'user_id(owner)',
      session_id: 'md5(row::text)::uuid',
      ip: IP,
      user_agent: AGENT,
      request_id: 'md5(row::text)::uuid::text',
      created_at: 'at',
      mac: macOf('mac', 'row'),
      client_mac: macOf('client', 'row'),
    },
  },
  tasks: {
    at: spreadOver('365 days'),
    columns: {
      id: `id_at(at, 't' || row)`,
      user_id: 'user_id(owner)',
      title: `'Task ' || row`,
      description: `repeat('What there is to do. ', 5)`,
      completed: 'row % 2 = 0',
      created_at: 'at',
      updated_at: 'at',
    },
  },
  login_failures: {
    at: spreadOver('60 days'),
    columns: {
      id: `sha256(('failure' || row)::bytea)`,
      failures: 'row % 5 + 1',
      consecutive: 'row % 20 + 1',
      last_failed_at: 'at',
    },
  },
  security_notices: {
    at: spreadOver('30 days'),
    columns: {
      id: `id_at(at, 'n' || row)`,
      user_id: 'user_id(owner)',
      kind: `'new-device'`,
      email: `'person' || owner || '@example.org'`,
      created_at: 'at',
      expires_at: `at + interval '7 days'`,
    },
  },
};

/** From so long ago until now. */
function spreadOver(interval) {
  return `start() - interval '${interval}' * (1 - part)`;
}

/** One-time tokens that live so long; of three one was never used. */
function tokens(name, life, more) {
  return {
    at: spreadOver('20 days'),
    columns: {
      id: `id_at(at, '${name[0]}' || row)`,
      user_id: 'user_id(owner)',
      ...more,
      token_hash: `sha256(('${name}' || row)::bytea)`,
      letter_id: 'md5(row::text)::uuid',
      created_at: 'at',
      expires_at: `at + interval '${life}'`,
      consumed_at: `CASE WHEN row % 3 > 0 THEN least(start(), at + interval '5 minutes') END`,
    },
  };
}

/** Of the length of a MAC and its key's number. */
function macOf(name, number) {
  return `'\\x00000000'::bytea || sha256(('${name}' || ${number})::bytea)`;
}

/** Some of the rows of a table, as its columns know them. */
function numbered({ at }, rows, users, from, to) {
  return `(SELECT *, date_trunc('milliseconds', ${at}) AS at
    FROM (SELECT row, row::float8 / ${rows} AS part, 1 + row * ${STRIDE} % ${users} AS owner
      FROM generate_series(${from}::bigint, ${to}) AS row) AS numbered) AS made`;
}

/** @param client connected as superuser: triggers and foreign keys are not asked while it fills */
export async function fill(client, users, say) {
  const rows = rowsFor(users);
  await client.query(
    `SET synchronous_commit = off; SET maintenance_work_mem = '1GB'; SET session_replication_role = replica`,
  );
  const [{ start }] = (await client.query(`SELECT date_trunc('milliseconds', now())::text AS start`)).rows;
  await createFunctions(client, start, users);
  await createMonths(client);
  const indexes = await dropIndexes(client);
  for (const [table, definition] of Object.entries(TABLES)) {
    const { columns } = definition;
    await inChunks(rows[table], say, table, (from, to) =>
      client.query(
        `INSERT INTO ${table} (${Object.keys(columns).join(', ')})
         SELECT ${Object.values(columns).join(', ')} FROM ${numbered(definition, rows[table], users, from, to)}`,
      ),
    );
  }
  await linkEvents(client, rows.audit_events, users, say);
  for (const { definition } of indexes) {
    say(definition.replace(/^CREATE (UNIQUE )?INDEX (\S+).*$/, 'index $2'));
    await client.query(definition.replace(' ON ONLY ', ' ON '));
  }
  await client.query('DROP SCHEMA growth CASCADE');
  say('vacuum');
  await client.query('VACUUM (ANALYZE)');
  await client.query('RESET ALL');
}

/** The id of user so-and-so, and one of a time: UUIDs of version 7, whose other bits are a hash. */
async function createFunctions(client, start, users) {
  await client.query(`
    DROP SCHEMA IF EXISTS growth CASCADE;
    CREATE SCHEMA growth;
    SET search_path = public, growth;
    CREATE FUNCTION growth.start() RETURNS timestamptz IMMUTABLE LANGUAGE sql AS $$ SELECT '${start}'::timestamptz $$;
    CREATE FUNCTION growth.id_at(at timestamptz, name text) RETURNS uuid STABLE LANGUAGE sql AS $$
      SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || substr(md5(name), 1, 3)
        || '8' || substr(md5(name), 4, 15))::uuid $$;
    CREATE FUNCTION growth.user_id(number bigint) RETURNS uuid STABLE LANGUAGE sql AS $$
      SELECT growth.id_at(growth.start() - interval '2 years' * (1 - number::float8 / ${users}), 'u' || number) $$`);
}

async function createMonths(client) {
  await client.query(`
    SELECT add_audit_month((date_trunc('month', now() AT TIME ZONE 'UTC') - ago * interval '1 month')::date)
    FROM generate_series(0, 13) AS ago`);
}

/** Primary keys stay: ids come in the order of time. The others are built at the end, which is far quicker. */
async function dropIndexes(client) {
  const { rows } = await client.query(
    `SELECT indexrelid::regclass AS name, pg_get_indexdef(indexrelid) AS definition FROM pg_index
     JOIN pg_class ON pg_class.oid = indexrelid
     WHERE relnamespace = 'public'::regnamespace AND NOT relispartition AND NOT indisprimary
       AND indrelid::regclass::text = ANY($1)`,
    [[...Object.keys(TABLES), 'audit_links']],
  );
  for (const { name } of rows) await client.query(`DROP INDEX ${name}`);
  return rows;
}

/** The chain: a link for each event, in their order, and the note of the newest. */
async function linkEvents(client, rows, users, say) {
  const hash = (sequence) => macOf('link', sequence);
  await inChunks(rows, say, 'audit_links', (from, to) =>
    client.query(
      `INSERT INTO audit_links (sequence, month, event_id, event_created_at, event_mac, previous_hash, hash, sealed_at)
       SELECT row, date_trunc('month', at AT TIME ZONE 'UTC')::date, id_at(at, 'a' || row), at,
         ${macOf('mac', 'row')}, ${hash('(row - 1)')}, ${hash('row')}, at + interval '1 second'
       FROM ${numbered(TABLES.audit_events, rows, users, from, to)}`,
    ),
  );
  await client.query(`UPDATE audit_head SET sequence = ${rows}, hash = ${hash(rows)}`);
}

async function inChunks(rows, say, table, insert) {
  for (let from = 1; from <= rows; from += CHUNK) {
    const to = Math.min(rows, from + CHUNK - 1);
    await insert(from, to);
    say(`${table}: ${to} of ${rows}`);
  }
}

// By itself, for a test: node fill.mjs <database> <users>
if (import.meta.main) {
  const [url, users] = process.argv.slice(2);
  const client = new Client({ connectionString: url });
  await client.connect();
  await fill(client, Number(users), () => undefined);
  await client.end();
}
