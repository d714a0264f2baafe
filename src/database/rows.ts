import type { DataSource, EntityManager, EntityMetadata, EntityTarget, ObjectLiteral } from 'typeorm';

/*
 * For the statements of every login and refresh: text by hand, and the same for each request, so that it is prepared. To
 * build the text anew and to read rows by it, repositories take more time than all the rest of such a statement.
 */

/** The columns of an entity under the names of its properties. */
export function columnsOf<Row extends ObjectLiteral>(
  entity: EntityTarget<Row>,
  { dataSource }: EntityManager,
): string {
  const columns = dataSource.getMetadata(entity).columns.filter(({ isSelect }) => isSelect);
  return columns.map(({ databaseName, propertyName }) => `"${databaseName}" AS "${propertyName}"`).join(', ');
}

/** Some columns of an entity, in rows that several entities share. */
export interface Part<Row> {
  /** What to select, or to return. */
  text: string;
  /** Takes the entity out of a row. */
  of(row: object): Row;
}

export function partOf<Row extends ObjectLiteral, Name extends keyof Row & string>(
  entity: EntityTarget<Row>,
  properties: readonly Name[] | 'all',
  dataSource: DataSource,
): Part<Pick<Row, Name>> {
  const { tableName, columns } = dataSource.getMetadata(entity);
  const chosen = columns
    .filter(({ propertyName }) => properties === 'all' || properties.includes(propertyName as Name))
    .map(({ databaseName, propertyName }) => ({
      propertyName,
      selected: `"${tableName}"."${databaseName}"`,
      alias: `${tableName}.${propertyName}`,
    }));
  return {
    text: chosen.map(({ selected, alias }) => `${selected} AS "${alias}"`).join(', '),
    of(row) {
      const part: Record<string, unknown> = {};
      for (const { propertyName, alias } of chosen) part[propertyName] = (row as typeof part)[alias];
      return part as Pick<Row, Name>;
    },
  };
}

/**
 * `($2, $3)`, for `IN`. How many values are in `ANY($2)` PostgreSQL does not know when it makes a plan to keep: it expects
 * ten, finds that dearer than a plan for the one or two at hand, and so makes a new one each time. In a large table that
 * takes longer than to look them up.
 *
 * @param first number of the first parameter
 * @param count at least 1
 */
export function placesFrom(first: number, count: number): string {
  return `(${Array.from({ length: count }, (_, at) => `$${first + at}`).join(', ')})`;
}

/** @param manager in a transaction its own; outside, the read is sent once more where it loses its connection */
export async function readRows<Row>(text: string, values: unknown[], manager: EntityManager): Promise<Row[]> {
  if (manager.queryRunner) return manager.query<Row[]>(text, values);
  const runner = manager.dataSource.createQueryRunner('slave');
  try {
    return (await runner.query(text, values)) as Row[];
  } finally {
    await runner.release();
  }
}

/** Inserts a row that is given whole, so that nothing is asked back. */
export async function insertRow<Row extends ObjectLiteral>(
  entity: EntityTarget<Row>,
  row: Row,
  tx: EntityManager,
): Promise<void> {
  const { text, valuesOf } = insertionOf(entity, tx.dataSource);
  await tx.query(text, valuesOf(row));
}

export interface Insertion<Row> {
  text: string;
  /** The same where a condition holds. What else that refers to are parameters behind those of the row. */
  textWhere(condition: string): string;
  /** How many parameters it has: $1 and so on. */
  places: number;
  valuesOf(row: Row): unknown[];
}

/** By what metadata tells of an entity. */
const insertions = new WeakMap<EntityMetadata, Insertion<ObjectLiteral>>();

/** The statement of `insertRow`, to be part of a larger one. */
export function insertionOf<Row extends ObjectLiteral>(
  entity: EntityTarget<Row>,
  dataSource: DataSource,
): Insertion<Row> {
  const metadata = dataSource.getMetadata(entity);
  const known = insertions.get(metadata);
  if (known) return known as Insertion<Row>;
  const { tableName, columns } = metadata;
  const names = columns.map(({ databaseName }) => `"${databaseName}"`).join(', ');
  const places = columns.map((_, at) => `$${at + 1}`).join(', ');
  const properties = columns.map(({ propertyName }) => propertyName);
  const insertion: Insertion<ObjectLiteral> = {
    places: columns.length,
    text: `INSERT INTO "${tableName}" (${names}) VALUES (${places})`,
    textWhere: (condition) => `INSERT INTO "${tableName}" (${names}) SELECT ${places} WHERE ${condition}`,
    valuesOf: (row) => properties.map((property) => row[property] as unknown),
  };
  insertions.set(metadata, insertion);
  return insertion as Insertion<Row>;
}
