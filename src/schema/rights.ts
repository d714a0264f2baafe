import type { DataSource, EntityManager } from 'typeorm';
import { TENANT_ROLE } from '../database/own-rows';
import { SCHEMA as JOBS_SCHEMA } from '../jobs/boss';

/** Serves requests where an installation has a role for it: deploy/sql/roles.sql. */
const APPLICATION_ROLE = 'gatehouse_app';

const ROWS = 'SELECT, INSERT, UPDATE, DELETE';

/**
 * What that role may do, for every table of the service: what is not listed is out of its reach, months of the audit
 * trail among it. On the trail it adds, and forgets where somebody was; docs/audit.md says why it needs each of these.
 */
export const RIGHTS: Record<string, string> = {
  migrations: 'SELECT',
  users: ROWS,
  sessions: ROWS,
  verification_tokens: ROWS,
  reset_tokens: ROWS,
  security_notices: ROWS,
  login_failures: ROWS,
  audit_events: 'SELECT, INSERT, UPDATE (ip, user_agent, client_mac)',
  audit_events_default: 'SELECT',
  audit_links: 'SELECT, INSERT',
  audit_links_default: 'SELECT',
  audit_pending: 'SELECT, INSERT, DELETE',
  audit_head: 'SELECT, UPDATE',
};

/**
 * Tables of users' own rows. Nobody reaches them directly: `Transactions.runAs` does as the tenant role, whose rights on
 * them are these, under the policy that the drift check looks for.
 */
export const USER_OWNED = ['tasks'];

const FUNCTIONS = ['add_audit_month(date)', 'drop_audit_month(date)'];

/**
 * Gives the roles that serve requests their rights on what is there now, and takes what they should not have. Does
 * nothing where this role does not own the tables.
 */
export async function grantRights(dataSource: DataSource): Promise<void> {
  const [row] = await dataSource.query<{ isOwner: boolean; hasApplicationRole: boolean }[]>(
    `SELECT pg_has_role(relowner, 'USAGE') AS "isOwner",
       EXISTS (SELECT FROM pg_roles WHERE rolname = $1) AND relowner <> to_regrole($1)::oid AS "hasApplicationRole"
     FROM pg_class WHERE oid = 'migrations'::regclass`,
    [APPLICATION_ROLE],
  );
  if (!row!.isOwner) return;
  await dataSource.transaction(async (tx) => {
    await grantToTenant(tx);
    if (row!.hasApplicationRole) await grantToApplication(tx);
  });
}

async function grantToTenant(tx: EntityManager): Promise<void> {
  const [row] = await tx.query<{ exists: boolean; schema: string; mayUse: boolean }[]>(
    `SELECT to_regrole($1) IS NOT NULL AS exists, quote_ident(current_schema()) AS schema,
       has_schema_privilege(to_regrole($1), current_schema(), 'USAGE') AS "mayUse"`,
    [TENANT_ROLE],
  );
  // Before the migration that makes it.
  if (!row!.exists) return;
  if (!row!.mayUse) await tx.query(`GRANT USAGE ON SCHEMA ${row!.schema} TO ${TENANT_ROLE}`);
  for (const table of USER_OWNED) await setRights(tx, table, ROWS, TENANT_ROLE);
}

async function grantToApplication(tx: EntityManager): Promise<void> {
  for (const [table, rights] of Object.entries(RIGHTS)) await setRights(tx, table, rights, APPLICATION_ROLE);
  for (const table of USER_OWNED) await tx.query(`REVOKE ALL ON ${table} FROM ${APPLICATION_ROLE}`);
  await tx.query(`GRANT EXECUTE ON FUNCTION ${FUNCTIONS.join(', ')} TO ${APPLICATION_ROLE}`);
  await tx.query(`GRANT USAGE ON SCHEMA ${JOBS_SCHEMA} TO ${APPLICATION_ROLE}`);
  await tx.query(`GRANT ${ROWS} ON ALL TABLES IN SCHEMA ${JOBS_SCHEMA} TO ${APPLICATION_ROLE}`);
}

async function setRights(tx: EntityManager, table: string, rights: string, role: string): Promise<void> {
  await tx.query(`REVOKE ALL ON ${table} FROM ${role}`);
  await tx.query(`GRANT ${rights} ON ${table} TO ${role}`);
}
