import type { Client } from 'pg';
import { TENANT_ROLE } from '../../database/own-rows';

/** What a database says about itself and about the role that asks. */
export interface Facts {
  version: number;
  versionText: string;
  encoding: string;
  backendPid: number;
  startedAt: string;
  statementTimeout: string;
  maxConnections: number;
  role: string;
  isSuperuser: boolean;
  bypassesRls: boolean;
  canCreate: boolean;
  ownsTables: boolean;
  /** Null where there is no such role yet. */
  mayBecomeTenant: boolean | null;
  /** Null where there is no such table yet. */
  auditRights: string[] | null;
}

export async function readFacts(client: Client): Promise<Facts> {
  const { rows } = await client.query<Facts>(`
    SELECT current_setting('server_version_num')::int AS version, current_setting('server_version') AS "versionText",
      current_setting('server_encoding') AS encoding, pg_backend_pid() AS "backendPid",
      extract(epoch FROM pg_postmaster_start_time())::text AS "startedAt", current_setting('statement_timeout') AS "statementTimeout",
      current_setting('max_connections')::int AS "maxConnections", r.rolname AS role, r.rolsuper AS "isSuperuser",
      r.rolbypassrls AS "bypassesRls", has_schema_privilege(current_schema(), 'CREATE') AS "canCreate",
      EXISTS (SELECT FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p') AND pg_has_role(c.relowner, 'USAGE')) AS "ownsTables",
      (SELECT pg_has_role(t.oid, CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END)
        FROM pg_roles AS t WHERE t.rolname = '${TENANT_ROLE}') AS "mayBecomeTenant",
      CASE WHEN to_regclass('audit_events') IS NOT NULL THEN
        ARRAY(SELECT name FROM unnest(ARRAY['DELETE', 'TRUNCATE', 'UPDATE']) AS name
          WHERE has_table_privilege('audit_events', name)) END AS "auditRights"
    FROM pg_roles AS r WHERE r.rolname = current_user`);
  return rows[0]!;
}
