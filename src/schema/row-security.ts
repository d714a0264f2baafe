import type { DataSource } from 'typeorm';
import { OWN_ROWS_POLICY, TENANT_ROLE } from '../database/own-rows';
import type { SchemaProblem } from './differences';
import { USER_OWNED } from './rights';

interface Policy {
  name: string;
  /** As in pg_policy: `*` for all commands. */
  command: string;
  isPermissive: boolean;
  isForEverybody: boolean;
  using: string | null;
  check: string | null;
}

interface ProtectedTable {
  table: string;
  isEnabled: boolean;
  isForced: boolean;
  policies: Policy[];
}

/** What keeps PostgreSQL from holding users apart. Without these the service works as before, and nothing else would tell. */
export async function rowSecurityProblems(dataSource: DataSource): Promise<SchemaProblem[]> {
  const tables = await readTables(dataSource);
  // A table that is not there is told as such, and so is the migration that makes the role.
  if (tables.length === 0) return [];
  return [...tables.flatMap(problemsOf), ...(await roleProblems(dataSource))];
}

function readTables(dataSource: DataSource): Promise<ProtectedTable[]> {
  return dataSource.query(
    `SELECT c.relname AS "table", c.relrowsecurity AS "isEnabled", c.relforcerowsecurity AS "isForced",
       coalesce((SELECT json_agg(json_build_object('name', p.polname, 'command', p.polcmd, 'isPermissive', p.polpermissive,
           'isForEverybody', p.polroles = '{0}', 'using', pg_get_expr(p.polqual, p.polrelid),
           'check', pg_get_expr(p.polwithcheck, p.polrelid)) ORDER BY p.polname)
         FROM pg_policy AS p WHERE p.polrelid = c.oid), '[]') AS policies
     FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname = current_schema()
     WHERE c.relname = ANY ($1) ORDER BY 1`,
    [USER_OWNED],
  );
}

function problemsOf({ table, isEnabled, isForced, policies }: ProtectedTable): SchemaProblem[] {
  const { name, condition } = OWN_ROWS_POLICY;
  const problem = (kind: SchemaProblem['kind'], what: string, detail: string) => ({
    kind,
    table,
    name: what,
    detail,
  });
  const should = describe({
    name,
    command: '*',
    isPermissive: true,
    isForEverybody: true,
    using: condition,
    check: condition,
  });
  const found = policies.find((policy) => policy.name === name);
  const problems: SchemaProblem[] = [];
  if (!isEnabled)
    problems.push(problem('row_security', table, 'has no row-level security: users can reach all rows'));
  else if (!isForced)
    problems.push(problem('row_security', table, 'does not force row-level security on its owner'));
  if (!found) problems.push(problem('missing_policy', name, `is missing: ${should}`));
  else if (describe(found) !== should)
    problems.push(problem('changed_policy', name, `is ${describe(found)}, should be ${should}`));
  // Policies add up: one more lets more through.
  const extra = policies.filter((policy) => policy.name !== name);
  return [
    ...problems,
    ...extra.map((policy) => problem('extra_policy', policy.name, `is not known: ${describe(policy)}`)),
  ];
}

function describe({ command, isPermissive, isForEverybody, using, check }: Policy): string {
  const words = [isPermissive ? 'permissive' : 'restrictive', isForEverybody ? '' : 'for some roles'];
  if (command !== '*') words.push('for one command');
  words.push(`using ${using ?? 'nothing'} with check ${check ?? using ?? 'nothing'}`);
  return words.filter((word) => word !== '').join(' ');
}

async function roleProblems(dataSource: DataSource): Promise<SchemaProblem[]> {
  const [role] = await dataSource.query<{ isExempt: boolean; isMore: boolean }[]>(
    `SELECT rolsuper OR rolbypassrls AS "isExempt",
       rolcanlogin OR rolcreaterole OR EXISTS (SELECT FROM pg_auth_members WHERE member = r.oid)
         OR EXISTS (SELECT FROM pg_class WHERE relowner = r.oid) AS "isMore"
     FROM pg_roles AS r WHERE rolname = $1`,
    [TENANT_ROLE],
  );
  const problem = (kind: SchemaProblem['kind'], detail: string): SchemaProblem[] => [
    { kind, table: null, name: TENANT_ROLE, detail },
  ];
  if (!role) return problem('missing_role', 'does not exist: run deploy/sql/roles.sql');
  if (role.isExempt)
    return problem('unsafe_role', 'passes by row-level security: ALTER ROLE … NOSUPERUSER NOBYPASSRLS');
  if (role.isMore)
    return problem(
      'unsafe_role',
      'logs in, makes roles, owns tables or is a member of another role: it must not',
    );
  return [];
}
