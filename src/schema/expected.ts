import { TableColumn, type DataSource, type EntityMetadata } from 'typeorm';
import { TableUtils } from 'typeorm/schema-builder/util/TableUtils';
import { BEYOND_ENTITIES } from './beyond-entities';
import type { Column, Constraint, IndexShape, Trigger } from './catalog';

/** The schema as this version needs it. */
export interface ExpectedSchema {
  tables: string[];
  columns: Column[];
  indexes: IndexShape[];
  constraints: Constraint[];
  triggers: Pick<Trigger, 'table' | 'name'>[];
}

/** In PostgreSQL's catalog: what deleting the row that is pointed at does. */
const DELETE_RULES: Record<string, string> = {
  CASCADE: 'c',
  'SET NULL': 'n',
  'SET DEFAULT': 'd',
  RESTRICT: 'r',
};
const NO_ACTION = 'a';

/** As the entities of the data source say it, and with what they cannot say. */
export function expectedSchema(dataSource: DataSource): ExpectedSchema {
  const entities = dataSource.entityMetadatas.filter(({ tableType }) => tableType === 'regular');
  const columns = entities.flatMap((entity) => columnsOf(entity, dataSource)).concat(BEYOND_ENTITIES.columns);
  return {
    tables: [...new Set(columns.map(({ table }) => table))].sort(),
    columns,
    indexes: entities.flatMap(indexesOf).concat(BEYOND_ENTITIES.indexes),
    constraints: entities
      .flatMap((entity) => constraintsOf(entity, dataSource))
      .concat(BEYOND_ENTITIES.constraints),
    triggers: BEYOND_ENTITIES.triggers,
  };
}

function columnsOf({ tableName: table, columns }: EntityMetadata, { driver }: DataSource): Column[] {
  return columns
    .filter(({ isVirtual }) => !isVirtual)
    .map((column) => {
      const described = new TableColumn(TableUtils.createTableColumnOptions(column, driver));
      return {
        table,
        name: column.databaseName,
        type: driver.createFullType(described).toLowerCase(),
        isNullable: column.isNullable,
        default: described.default === undefined ? null : String(described.default),
      };
    });
}

function indexesOf({ tableName: table, indices }: EntityMetadata): IndexShape[] {
  return indices
    .filter(({ synchronize }) => synchronize)
    .map(({ name, columns, isUnique, where }) => ({
      table,
      name,
      columns: columns.map(({ databaseName }) => databaseName),
      isUnique,
      predicate: where ?? null,
      isValid: true,
    }));
}

function constraintsOf(entity: EntityMetadata, { namingStrategy }: DataSource): Constraint[] {
  const { tableName: table, primaryColumns } = entity;
  const constraint = (
    kind: Constraint['kind'],
    name: string,
    columns: { databaseName: string }[],
    references: string | null = null,
  ): Constraint => ({ table, name, kind, columns: namesOf(columns), references, isValid: true });
  const primaryName =
    primaryColumns[0]?.primaryKeyConstraintName ??
    namingStrategy.primaryKeyName(table, namesOf(primaryColumns));
  return [
    constraint('primary key', primaryName, primaryColumns),
    ...entity.uniques.map(({ name, columns }) => constraint('unique', name, columns)),
    ...entity.checks.map(({ name }) => constraint('check', name, [])),
    ...entity.exclusions.map(({ name }) => constraint('exclusion', name, [])),
    ...entity.foreignKeys.map(({ name, columns, referencedEntityMetadata, referencedColumns, onDelete }) => {
      const target = `${referencedEntityMetadata.tableName}(${namesOf(referencedColumns).join(',')})`;
      return constraint(
        'foreign key',
        name,
        columns,
        `${target} ${DELETE_RULES[onDelete ?? ''] ?? NO_ACTION}`,
      );
    }),
  ];
}

function namesOf(columns: { databaseName: string }[]): string[] {
  return columns.map(({ databaseName }) => databaseName);
}
