import type { Client } from 'pg';
import type { Config, DatabaseConfig } from '../../config/config';
import { connectOnce } from '../../database/connect';
import { TENANT_ROLE } from '../../database/own-rows';
import type { SchemaReport } from '../../schema/check';
import { directFindings, poolerFindings, tlsFinding } from './connection-checks';
import { readFacts, type Facts } from './database-facts';
import { attempt, fail, ok, warn, type Finding } from './finding';

const OLDEST_VERSION = 14;
const MOST_SKEW_MS = 5_000;
/** Connections of a replica beside its pool: LISTEN, and a migration at its start. */
const BESIDE_POOL = 4;

/** One line for each thing about the database that keeps the service from working, or an intruder from being kept out. */
export async function checkDatabase({ database }: Config): Promise<Finding[]> {
  return attempt(
    'database',
    'check DATABASE_URL, and that the server runs and is reached from here',
    async () => {
      const client = await connectOnce(database.url);
      try {
        const facts = await readFacts(client);
        return [
          ok('database', `reached as ${facts.role} at ${placeOf(database.url)}`),
          versionFinding(facts),
          tlsFinding('database.tls', client, database.url),
          await clockFinding(client),
          ...(await poolerFindings(client, facts, database)),
          connectionsFinding(facts, database),
          ...roleFindings(facts),
          ...(await directFindings(facts, database)),
          ...(await schemaFindings(database)),
        ];
      } finally {
        await client.end();
      }
    },
  );
}

function versionFinding({ version, versionText, encoding }: Facts): Finding {
  const check = 'database.version';
  if (version < OLDEST_VERSION * 10_000)
    return fail(
      check,
      `PostgreSQL ${versionText}`,
      `${OLDEST_VERSION} is the oldest that is supported: upgrade it`,
    );
  if (encoding !== 'UTF8')
    return fail(check, `the encoding is ${encoding}`, 'create the database with the encoding UTF8');
  return ok(check, `PostgreSQL ${versionText}`);
}

async function clockFinding(client: Client): Promise<Finding> {
  const sentAt = Date.now();
  const { rows } = await client.query<{ now: number }>(
    'SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now',
  );
  const skew = Math.round(rows[0]!.now - (sentAt + Date.now()) / 2);
  const words = `${Math.abs(skew) < 1_000 ? 'less than a second' : `${(Math.abs(skew) / 1_000).toFixed(1)} s`} apart`;
  return Math.abs(skew) > MOST_SKEW_MS
    ? warn(
        'clock',
        `this machine and the database are ${words}`,
        'run NTP on both: tokens and sessions end by the clock',
      )
    : ok('clock', `this machine and the database are ${words}`);
}

function connectionsFinding({ maxConnections }: Facts, { poolMax }: DatabaseConfig): Finding {
  const check = 'database.connections';
  const replicas = Math.floor(maxConnections / (poolMax + BESIDE_POOL));
  const words = `${maxConnections} allowed, ${poolMax} in the pool of each replica`;
  return replicas < 2
    ? warn(check, words, 'lower DATABASE_POOL_MAX: two replicas of a rolling restart do not fit')
    : ok(check, `${words}: room for ${replicas} replicas`);
}

function roleFindings({
  role,
  isSuperuser,
  bypassesRls,
  canCreate,
  ownsTables,
  mayBecomeTenant,
  auditRights,
}: Facts): Finding[] {
  const leastRights = 'serve with a role that reads and writes rows only, and migrate with another';
  const findings = [];
  if (isSuperuser) findings.push(warn('database.role', `${role} is a superuser`, leastRights));
  else if (bypassesRls) findings.push(warn('database.role', `${role} bypasses row security`, leastRights));
  else findings.push(ok('database.role', `${role} is an ordinary role`));
  findings.push(
    canCreate || ownsTables
      ? warn('database.ddl', `${role} can change the schema`, leastRights)
      : ok('database.ddl', `${role} cannot change the schema`),
  );
  if (mayBecomeTenant === true)
    findings.push(ok('database.tenant', `${role} becomes ${TENANT_ROLE} for the rows of users`));
  if (mayBecomeTenant === false)
    findings.push(
      fail(
        'database.tenant',
        `${role} may not become ${TENANT_ROLE}, which it does for the rows of users`,
        `GRANT ${TENANT_ROLE} TO ${role}, or run deploy/sql/roles.sql`,
      ),
    );
  if (auditRights === null) return findings;
  const rights = auditRights.join(', ');
  findings.push(
    rights === ''
      ? ok('database.audit', `${role} can add security events, not change them`)
      : warn(
          'database.audit',
          `${role} has ${rights} on audit_events`,
          `REVOKE ${rights} ON audit_events FROM the role that serves`,
        ),
  );
  return findings;
}

async function schemaFindings(database: DatabaseConfig): Promise<Finding[]> {
  return attempt('database.schema', 'see `gatehouse db check`', async () => {
    const { checkSchema, ENTITIES } = require('../../schema/check') as typeof import('../../schema/check');
    const { problems, migrations } = await checkSchema(database, ENTITIES);
    const of = (isAboutJobs: boolean) =>
      problems.filter(({ kind }) => (kind === 'job_queue') === isAboutJobs);
    return [
      schemaFinding('database.schema', of(false), `${migrations.applied} migrations applied`),
      schemaFinding('database.jobs', of(true), 'the job queue is of this version'),
    ];
  });
}

function schemaFinding(check: string, problems: SchemaReport['problems'], fine: string): Finding {
  const [first] = problems;
  if (!first) return ok(check, fine);
  const more = problems.length > 1 ? `, and ${problems.length - 1} more` : '';
  return fail(
    check,
    `${first.name} ${first.detail}${more}`,
    'run `gatehouse db migrate`; see `gatehouse db check`',
  );
}

function placeOf(url: string): string {
  const { host, pathname } = new URL(url);
  return `${host}${pathname}`;
}
