import type { DataSource, EntityManager } from 'typeorm';

/** Some milliseconds of work: whoever wants one of these rows waits no longer than for one batch. */
const BATCH = 250;

/** For this transaction: its locks are not held until the disk has it. What a crash brings back the next run deletes again. */
const WITHOUT_WAITING_FOR_THE_DISK = `set_config('synchronous_commit', 'off', true)`;

/** The same for what a cleaner does in a transaction of many statements; with a parameter, so that it travels with them. */
export async function doNotWaitForTheDisk(tx: EntityManager): Promise<void> {
  await tx.query(`SELECT set_config('synchronous_commit', $1, true)`, ['off']);
}

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
       SELECT count(*)::int AS found, max(at) AS last, (SELECT count(*)::int FROM deleted) AS deleted,
         ${WITHOUT_WAITING_FOR_THE_DISK} FROM found`,
      [before, from],
    );
    const batch = batches[0]!;
    deleted += batch.deleted;
    if (batch.found < BATCH) return deleted;
    from = batch.last!;
  }
}

/**
 * The same for a table that has no index by the time: it is read from one end to the other by its primary key, a batch at
 * a time, and of each batch those rows are locked and deleted that are over.
 *
 * @param table, isOver fixed text of the code, never input; `isOver` a condition on the moment, `$1`
 */
export async function deleteWalking(
  dataSource: DataSource,
  table: string,
  isOver: string,
  before: Date,
): Promise<number> {
  let deleted = 0;
  for (let from = '00000000-0000-0000-0000-000000000000'; ;) {
    const steps: { walked: number; deleted: number; last: string }[] = await dataSource.query(
      `WITH walked AS (
         SELECT id, ctid, ${isOver} AS is_over FROM ${table} WHERE id > $2 ORDER BY id LIMIT ${BATCH}),
       found AS (
         SELECT ctid FROM ${table} WHERE ctid = ANY (ARRAY(SELECT ctid FROM walked WHERE is_over)) AND ${isOver}
         FOR UPDATE SKIP LOCKED),
       deleted AS (DELETE FROM ${table} WHERE ctid = ANY (ARRAY(SELECT ctid FROM found)) RETURNING 1)
       SELECT count(*)::int AS walked, (array_agg(id ORDER BY id DESC))[1] AS last,
         (SELECT count(*)::int FROM deleted) AS deleted, ${WITHOUT_WAITING_FOR_THE_DISK} FROM walked`,
      [before, from],
    );
    const step = steps[0]!;
    deleted += step.deleted;
    if (step.walked < BATCH) return deleted;
    from = step.last;
  }
}
