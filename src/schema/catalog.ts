import type { DataSource } from 'typeorm';

export interface Column {
  table: string;
  name: string;
  /** As PostgreSQL writes it, such as `character varying(254)`. */
  type: string;
  isNullable: boolean;
  default: string | null;
}

export interface IndexShape {
  table: string;
  name: string;
  columns: string[];
  isUnique: boolean;
  /** The condition of a partial index. */
  predicate: string | null;
  /** False for what an interrupted CREATE INDEX CONCURRENTLY leaves. */
  isValid: boolean;
}

export interface Constraint {
  table: string;
  name: string;
  kind: 'primary key' | 'foreign key' | 'unique' | 'check' | 'exclusion';
  columns: string[];
  /** Of a foreign key: table, columns and what a deletion there does. */
  references: string | null;
  /** False for a NOT VALID one: it does not vouch for the rows that were there before. */
  isValid: boolean;
}

export interface Trigger {
  table: string;
  name: string;
  isEnabled: boolean;
}

/** The schema as the database has it. Partitions are left out: they take after the table that they are part of. */
export interface Catalog {
  columns: Column[];
  indexes: IndexShape[];
  constraints: Constraint[];
  triggers: Trigger[];
}

const TABLES = `pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname = current_schema()
  AND c.relkind IN ('r', 'p') AND NOT c.relispartition`;

/** Names of the columns with these numbers, in this order. */
const names = (table: string, numbers: string) =>
  `ARRAY(SELECT a.attname::text FROM unnest(${numbers}) WITH ORDINALITY AS key (attnum, place)
     JOIN pg_attribute AS a ON a.attrelid = ${table} AND a.attnum = key.attnum ORDER BY place)`;

/** Of the first schema of the search path. Reads PostgreSQL's catalog, which every role may. */
export async function readCatalog(dataSource: DataSource): Promise<Catalog> {
  const columns = await dataSource.query<Column[]>(
    `SELECT c.relname AS "table", a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type,
       NOT a.attnotnull AS "isNullable", pg_get_expr(d.adbin, d.adrelid) AS "default"
     FROM ${TABLES} JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
     LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum ORDER BY 1, a.attnum`,
  );
  const indexes = await dataSource.query<IndexShape[]>(
    `SELECT c.relname AS "table", i.relname AS name, x.indisunique AS "isUnique", x.indisvalid AS "isValid",
       pg_get_expr(x.indpred, x.indrelid) AS predicate,
       ARRAY(SELECT pg_get_indexdef(x.indexrelid, key, true) FROM generate_series(1, x.indnkeyatts) AS key) AS columns
     FROM ${TABLES} JOIN pg_index AS x ON x.indrelid = c.oid JOIN pg_class AS i ON i.oid = x.indexrelid
     WHERE NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = i.oid AND contype IN ('p', 'u', 'x')) ORDER BY 1, 2`,
  );
  const constraints = await dataSource.query<Constraint[]>(
    `SELECT c.relname AS "table", k.conname AS name, k.convalidated AS "isValid",
       CASE k.contype WHEN 'p' THEN 'primary key' WHEN 'f' THEN 'foreign key' WHEN 'u' THEN 'unique'
         WHEN 'c' THEN 'check' ELSE 'exclusion' END AS kind,
       ${names('k.conrelid', 'k.conkey')} AS columns,
       CASE WHEN k.contype = 'f' THEN k.confrelid::regclass::text || '('
         || array_to_string(${names('k.confrelid', 'k.confkey')}, ',') || ') ' || k.confdeltype::text END AS "references"
     FROM ${TABLES} JOIN pg_constraint AS k ON k.conrelid = c.oid AND k.contype IN ('p', 'f', 'u', 'c', 'x')
     ORDER BY 1, 2`,
  );
  const triggers = await dataSource.query<Trigger[]>(
    `SELECT c.relname AS "table", t.tgname AS name, t.tgenabled <> 'D' AS "isEnabled"
     FROM ${TABLES} JOIN pg_trigger AS t ON t.tgrelid = c.oid AND NOT t.tgisinternal ORDER BY 1, 2`,
  );
  return { columns, indexes, constraints, triggers };
}
