import type { DataSource } from 'typeorm';

/** Some milliseconds of work: whoever wants one of these rows waits no longer than for one batch. */
const BATCH = 250;

interface Batch {
  found: number;
  deleted: number;
  /** Time of its last row; null where it is empty. */
  last: Date | null;
}

/**
 * Deletes rows of before a moment, some hundred at a time, each batch by itself, leaving out rows that somebody holds: no
 * lock is held for long, and nobody is waited for. Returns how many were deleted.
 *
 * Each batch goes on where the last one ended, or it would read again what is deleted and not yet cleared away; and it
 * deletes by the place of rows it has locked, so that no statistics lead PostgreSQL to read a whole table.
 *
 * @param table, condition fixed text of the code, never input
 * @param column a time of the row; an index begins with it
 */
export async function deleteInBatches(
  dataSource: DataSource,
  table: string,
  column: string,
  before: Date,
  condition = 'true',
): Promise<number> {
  let deleted = 0;
  for (let from: Date | string = '-infinity'; ;) {
    const batches: Batch[] = await dataSource.query(
      `WITH found AS (
         SELECT ctid, ${column} AS at FROM ${table} WHERE ${column} < $1 AND ${column} >= $2 AND ${condition}
         ORDER BY ${column} LIMIT ${BATCH} FOR UPDATE SKIP LOCKED),
       deleted AS (DELETE FROM ${table} WHERE ctid = ANY (ARRAY(SELECT ctid FROM found)) RETURNING 1)
       SELECT count(*)::int AS found, max(at) AS last, (SELECT count(*)::int FROM deleted) AS deleted FROM found`,
      [before, from],
    );
    const batch = batches[0]!;
    deleted += batch.deleted;
    if (batch.found < BATCH) return deleted;
    from = batch.last!;
  }
}
