import { Client } from 'pg';
import type { Statement } from './statements';

/** A node of a plan, as EXPLAIN (FORMAT JSON) tells it. */
export interface PlanNode {
  'Node Type': string;
  'Relation Name'?: string;
  'Index Name'?: string;
  'Plan Rows': number;
  'Total Cost': number;
  Plans?: PlanNode[];
}

/** What one request may read, as PostgreSQL guesses it: a user has some sessions and events, not thousands. */
const MANY = 500;
/** They hand a row on as soon as they have it, so that a LIMIT above them stops what is below. */
const STREAMING = new Set([
  'Limit',
  'LockRows',
  'Nested Loop',
  'Append',
  'Merge Append',
  'Subquery Scan',
  'Result',
  'Incremental Sort',
]);
const WHOLE = new Set(['Seq Scan', 'Sample Scan']);

/** For each relation and once more: what PostgreSQL takes the making of a plan to cost, in its unit (plancache.c). */
const PLANNING_COST = 2.5;

/** Explains statements on one database, those about tasks under the role that may read them. */
export class Planner {
  private constructor(
    private readonly client: Client,
    private readonly filled: Set<string>,
  ) {}

  static async connect(url: string): Promise<Planner> {
    const client = new Client({ connectionString: url });
    await client.connect();
    const { rows } = await client.query<{ name: string }>(
      `SELECT relname AS name FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND reltuples > ${MANY}`,
    );
    return new Planner(client, new Set(rows.map(({ name }) => name)));
  }

  close(): Promise<void> {
    return this.client.end();
  }

  /**
   * What is wrong with the plans of a statement: the one for its values, and the generic one that PostgreSQL takes to
   * once a prepared statement has been run a few times. Empty where it looks up what it needs by indexes, and does not
   * plan that anew each time.
   */
  async faultsOf({ text, values }: Statement): Promise<string[]> {
    const ofValues = await this.explain(`EXPLAIN (FORMAT JSON) ${text}`, values);
    const generic = await this.explain(`EXPLAIN (FORMAT JSON, GENERIC_PLAN) ${text}`, []);
    return [
      ...faultsIn(ofValues, this.filled).map((fault) => `${fault}, with the values of the test`),
      ...faultsIn(generic, this.filled).map((fault) => `${fault}, with whatever values`),
      ...(values.length > 0 && isPlannedAnew(ofValues, generic) ? ['is planned anew each time'] : []),
    ];
  }

  private async explain(text: string, values: unknown[]): Promise<PlanNode> {
    await this.client.query('BEGIN');
    try {
      if (/\btasks\b/.test(text)) await this.client.query('SET LOCAL ROLE gatehouse_tenant');
      const { rows } = await this.client.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(text, values);
      return rows[0]!['QUERY PLAN'][0].Plan;
    } finally {
      await this.client.query('ROLLBACK');
    }
  }
}

/** Whether PostgreSQL, of a prepared statement, will not keep the plan: it takes the others to be cheaper, in spite of the planning. */
function isPlannedAnew(ofValues: PlanNode, generic: PlanNode): boolean {
  const planning = PLANNING_COST * (relationsIn(ofValues) + 1);
  return generic['Total Cost'] >= ofValues['Total Cost'] + planning;
}

function relationsIn({ 'Relation Name': relation, Plans = [] }: PlanNode): number {
  return Plans.reduce((sum, below) => sum + relationsIn(below), relation ? 1 : 0);
}

/** @param filled tables that are large by now; of others no plan is asked for */
export function faultsIn(plan: PlanNode, filled: ReadonlySet<string>): string[] {
  return judge(plan, { isLimited: false, relation: undefined });

  function judge(node: PlanNode, above: { isLimited: boolean; relation: string | undefined }): string[] {
    const type = node['Node Type'];
    const relation = node['Relation Name'] ?? above.relation;
    const isLimited = type === 'Limit' || (above.isLimited && STREAMING.has(type));
    const own = faultOf(node, type, relation, above.isLimited);
    return [
      ...(own ? [own] : []),
      // An index belongs to the table of the node above; whatever else has no table, to none.
      ...(node.Plans ?? []).flatMap((child) =>
        judge(child, { isLimited, relation: isBitmap(child) ? relation : undefined }),
      ),
    ];
  }

  function faultOf(node: PlanNode, type: string, relation: string | undefined, isLimited: boolean) {
    const rows = node['Plan Rows'];
    if (WHOLE.has(type)) return filled.has(relation!) ? `reads the whole of ${relation}` : undefined;
    if (rows <= MANY) return undefined;
    if (type === 'Sort' || type === 'Hash') return `takes some ${rows} rows at once into a ${type}`;
    if (!filled.has(relation ?? '') || type === 'ModifyTable') return undefined;
    // A bitmap is complete before its first row is read.
    if (!isLimited || isBitmap(node)) return `reads some ${rows} rows of ${relation} by ${type}`;
    return undefined;
  }
}

const isBitmap = (node: PlanNode) => /^Bitmap(Or|And| Index Scan)$/.test(node['Node Type']);
