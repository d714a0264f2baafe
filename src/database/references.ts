import type { DataSource } from 'typeorm';

/**
 * Reads the rows that refer to one, by whatever foreign keys there are, and locks none of them. Whoever deletes it
 * afterwards finds them in memory: its locks are not held while the disk is waited for.
 *
 * @param table fixed text of the code, never input
 */
export async function readReferences(table: string, id: string, dataSource: DataSource): Promise<void> {
  const references = await dataSource.query<{ text: string }[]>(
    // Of the whole row, or its index alone would do.
    `SELECT format('SELECT count(referring) FROM %s AS referring WHERE %I = $1', conrelid::regclass, attname) AS text
     FROM pg_constraint JOIN pg_attribute ON attrelid = conrelid AND attnum = conkey[1]
     WHERE contype = 'f' AND confrelid = $1::regclass AND has_table_privilege(conrelid, 'SELECT')`,
    [table],
  );
  for (const { text } of references) await dataSource.query(text, [id]);
}
