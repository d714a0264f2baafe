import type { DataSource } from 'typeorm';

const BATCH = 1_000;

/**
 * Deletes rows a thousand at a time, each batch by itself, leaving out rows that somebody holds: no lock is held for
 * long and nobody waits. Returns how many were deleted.
 *
 * @param table, condition fixed text of the code, never input; `values` for its `$1…`
 */
export async function deleteInBatches(
  dataSource: DataSource,
  table: string,
  condition: string,
  values: unknown[],
): Promise<number> {
  let deleted = 0;
  for (let count = BATCH; count === BATCH; deleted += count) {
    [, count] = await dataSource.query<[unknown[], number]>(
      `DELETE FROM ${table} WHERE id IN (SELECT id FROM ${table} WHERE ${condition} LIMIT ${BATCH} FOR UPDATE SKIP LOCKED)`,
      values,
    );
  }
  return deleted;
}
