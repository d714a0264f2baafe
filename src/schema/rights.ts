import type { EntityManager } from 'typeorm';
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
export async function grantRights(manager: EntityManager): Promise<void> {
  const [row] = await manager.query<Situation[]>(
    `SELECT pg_has_role(relowner, 'USAGE') AS "isOwner", quote_ident(current_schema()) AS schema,
       to_regrole($2) IS NOT NULL AS "hasTenantRole",
       has_schema_privilege(to_regrole($2), current_schema(), 'USAGE') AS "mayTenantUse",
       EXISTS (SELECT FROM pg_roles WHERE rolname = $1) AND relowner <> to_regrole($1)::oid AS "hasApplicationRole"
     FROM pg_class WHERE oid = 'migrations'::regclass`,
    [APPLICATION_ROLE, TENANT_ROLE],
  );
  const { isOwner, hasTenantRole, hasApplicationRole } = row!;
  if (!isOwner) return;
  const statements = [
    // It is not there before the migration that makes it.
    ...(hasTenantRole ? tenantRights(row!) : []),
    ...(hasApplicationRole ? applicationRights() : []),
  ];
  if (statements.length > 0) await manager.transaction((tx) => tx.query(statements.join(';\n')));
}

interface Situation {
  isOwner: boolean;
  /** Quoted. */
  schema: string;
  hasTenantRole: boolean;
  mayTenantUse: boolean;
  hasApplicationRole: boolean;
}

function tenantRights({ schema, mayTenantUse }: Situation): string[] {
  const onTables = USER_OWNED.flatMap((table) => justThese(ROWS, table, TENANT_ROLE));
  return mayTenantUse ? onTables : [`GRANT USAGE ON SCHEMA ${schema} TO ${TENANT_ROLE}`, ...onTables];
}

function applicationRights(): string[] {
  return [
    ...Object.entries(RIGHTS).flatMap(([table, rights]) => justThese(rights, table, APPLICATION_ROLE)),
    ...USER_OWNED.map((table) => `REVOKE ALL ON ${table} FROM ${APPLICATION_ROLE}`),
    `GRANT EXECUTE ON FUNCTION ${FUNCTIONS.join(', ')} TO ${APPLICATION_ROLE}`,
    `GRANT USAGE ON SCHEMA ${JOBS_SCHEMA} TO ${APPLICATION_ROLE}`,
    `GRANT ${ROWS} ON ALL TABLES IN SCHEMA ${JOBS_SCHEMA} TO ${APPLICATION_ROLE}`,
  ];
}

function justThese(rights: string, table: string, role: string): string[] {
  return [`REVOKE ALL ON ${table} FROM ${role}`, `GRANT ${rights} ON ${table} TO ${role}`];
}
