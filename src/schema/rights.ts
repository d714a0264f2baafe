import type { DataSource } from 'typeorm';
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

const FUNCTIONS = ['add_audit_month(date)', 'drop_audit_month(date)'];

/**
 * Gives the role that serves requests its rights on what is there now, and takes what it should not have. Does nothing
 * where there is no such role, or where this one does not own the tables.
 */
export async function grantRights(dataSource: DataSource): Promise<void> {
  const [row] = await dataSource.query<{ grants: boolean }[]>(
    `SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1) AND relowner <> to_regrole($1)::oid
       AND pg_has_role(relowner, 'USAGE') AS grants FROM pg_class WHERE oid = 'migrations'::regclass`,
    [APPLICATION_ROLE],
  );
  if (!row!.grants) return;
  await dataSource.transaction(async (tx) => {
    for (const [table, rights] of Object.entries(RIGHTS)) {
      await tx.query(`REVOKE ALL ON ${table} FROM ${APPLICATION_ROLE}`);
      await tx.query(`GRANT ${rights} ON ${table} TO ${APPLICATION_ROLE}`);
    }
    await tx.query(`GRANT EXECUTE ON FUNCTION ${FUNCTIONS.join(', ')} TO ${APPLICATION_ROLE}`);
    await tx.query(`GRANT USAGE ON SCHEMA ${JOBS_SCHEMA} TO ${APPLICATION_ROLE}`);
    await tx.query(`GRANT ${ROWS} ON ALL TABLES IN SCHEMA ${JOBS_SCHEMA} TO ${APPLICATION_ROLE}`);
  });
}
