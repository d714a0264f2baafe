import { QueryFailedError, type DataSource } from 'typeorm';

/** Counting a larger table would keep the disk busy; the planner's estimate is good enough then. */
const COUNTED_ROWS = 100_000;
const COUNTED_BYTES = 64 * 1024 * 1024;

export interface RowCount {
  table: string;
  /** Null where the role may not read the table, or nobody has ever estimated a large one. */
  rows: number | null;
  isEstimate: boolean;
}

/** @param tables names of the code, never input */
export async function countRows(dataSource: DataSource, tables: string[]): Promise<RowCount[]> {
  const counts: RowCount[] = [];
  for (const table of tables) counts.push({ table, ...(await countOf(dataSource, table)) });
  return counts;
}

async function countOf(dataSource: DataSource, table: string): Promise<Omit<RowCount, 'table'>> {
  // Of a partitioned table all partitions, of another one itself; -1 stands for never analysed.
  const [size] = await dataSource.query<{ rows: number; bytes: number; isFiltered: boolean }[]>(
    `SELECT sum(greatest(c.reltuples, 0))::float8 AS rows, sum(pg_table_size(c.oid))::float8 AS bytes,
       row_security_active($1::regclass) AS "isFiltered"
     FROM pg_class AS c
     WHERE c.relkind = 'r' AND (c.oid = $1::regclass OR c.oid IN (SELECT relid FROM pg_partition_tree($1::regclass)))`,
    [table],
  );
  const { rows, bytes, isFiltered } = size!;
  // Of users' own rows this role sees none: to count them would be to say that there are none.
  if (isFiltered || rows > COUNTED_ROWS || bytes > COUNTED_BYTES)
    return { rows: rows === 0 ? null : Math.round(rows), isEstimate: true };
  try {
    const [count] = await dataSource.query<{ rows: number }[]>(
      `SELECT count(*)::int AS rows FROM "${table}"`,
    );
    return { rows: count!.rows, isEstimate: false };
  } catch (error) {
    if (error instanceof QueryFailedError) return { rows: null, isEstimate: false };
    throw error;
  }
}
