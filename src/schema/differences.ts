import type { Catalog, Column, Constraint, IndexShape } from './catalog';
import type { ExpectedSchema } from './expected';

export interface SchemaProblem {
  kind:
    | 'pending_migration'
    | 'unknown_migration'
    | 'job_queue'
    | 'missing_table'
    | `${'missing' | 'extra' | 'changed'}_${'column' | 'index' | 'constraint'}`
    | `invalid_${'index' | 'constraint'}`
    | 'missing_trigger'
    | 'disabled_trigger'
    | 'row_security'
    | `${'missing' | 'extra' | 'changed'}_policy`
    | `${'missing' | 'unsafe'}_role`;
  /** Null for what belongs to no table. */
  table: string | null;
  name: string;
  detail: string;
}

interface Named {
  table: string;
  name: string;
}

/** What separates a database from what is expected of it; tables of others in it are none of our business. */
export function differences(expected: ExpectedSchema, found: Catalog): SchemaProblem[] {
  const existing = new Set(found.columns.map(({ table }) => table));
  const isOurs = ({ table }: Named) => expected.tables.includes(table);
  const isThere = ({ table }: Named) => existing.has(table);
  return [
    ...expected.tables
      .filter((table) => !existing.has(table))
      .map((table) => ({ kind: 'missing_table' as const, table, name: table, detail: 'is missing' })),
    ...compare('column', expected.columns.filter(isThere), found.columns.filter(isOurs), describeColumn),
    ...compare('index', expected.indexes.filter(isThere), found.indexes.filter(isOurs), describeIndex),
    ...compare(
      'constraint',
      expected.constraints.filter(isThere),
      found.constraints.filter(isOurs),
      describeConstraint,
    ),
    ...found.indexes
      .filter(isOurs)
      .filter(isInvalid)
      .map(problem('invalid_index', 'is not valid: rebuild it')),
    ...found.constraints
      .filter(isOurs)
      .filter(isInvalid)
      .map(problem('invalid_constraint', 'was never validated for the rows that were there before it')),
    ...triggerProblems(expected.triggers.filter(isThere), found),
  ];
}

function compare<Item extends Named>(
  what: 'column' | 'index' | 'constraint',
  expected: Item[],
  found: Item[],
  describe: (item: Item) => string,
): SchemaProblem[] {
  const keyOf = ({ table, name }: Named) => `${table}.${name}`;
  const foundBy = new Map(found.map((item) => [keyOf(item), item]));
  const expectedKeys = new Set(expected.map(keyOf));
  const problems = expected.flatMap((item) => {
    const there = foundBy.get(keyOf(item));
    if (!there) return [problem(`missing_${what}`, `is missing: ${describe(item)}`)(item)];
    const [is, should] = [describe(there), describe(item)];
    return is === should ? [] : [problem(`changed_${what}`, `is ${is}, should be ${should}`)(item)];
  });
  const extra = found.filter((item) => !expectedKeys.has(keyOf(item)));
  return [
    ...problems,
    ...extra.map((item) => problem(`extra_${what}`, `is not known: ${describe(item)}`)(item)),
  ];
}

function triggerProblems(expected: ExpectedSchema['triggers'], { triggers }: Catalog): SchemaProblem[] {
  return expected.flatMap((wanted) => {
    const there = triggers.find(({ table, name }) => table === wanted.table && name === wanted.name);
    if (!there) return [problem('missing_trigger', 'is missing: what it guards can be changed')(wanted)];
    if (there.isEnabled) return [];
    return [problem('disabled_trigger', 'is disabled: what it guards can be changed')(wanted)];
  });
}

function problem(kind: SchemaProblem['kind'], detail: string) {
  return ({ table, name }: Named): SchemaProblem => ({ kind, table, name, detail });
}

function isInvalid({ isValid }: { isValid: boolean }): boolean {
  return !isValid;
}

function describeColumn(column: Column): string {
  const words = [column.type, column.isNullable ? 'null' : 'not null'];
  if (column.default !== null) words.push(`default ${plain(column.default)}`);
  return words.join(' ');
}

function describeIndex({ columns, isUnique, predicate }: IndexShape): string {
  const condition = predicate === null ? '' : ` where ${plain(predicate)}`;
  return `${isUnique ? 'unique ' : ''}(${columns.join(', ')})${condition}`;
}

/** The text of a check is not compared: PostgreSQL words it in its own way. */
function describeConstraint({ kind, columns, references }: Constraint): string {
  if (kind === 'check' || kind === 'exclusion') return kind;
  return `${kind} (${columns.join(', ')})${references === null ? '' : ` to ${references}`}`;
}

/** Without the brackets, casts and quotes that PostgreSQL adds to what was written. */
function plain(expression: string): string {
  return expression
    .replaceAll(/::[a-z ]+(\(\d+\))?(\[\])?/gi, '')
    .replaceAll(/["'()]/g, '')
    .replaceAll(/\s+/g, ' ')
    .trim()
    .toLowerCase();
}
