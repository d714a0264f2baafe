import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DataSource } from 'typeorm';
import { PROJECT_ROOT } from '../common/project';
import type { DatabaseConfig } from '../config/config';
import { migrationDataSource } from './migrate';

/**
 * Writes a migration with what separates the entities from the database, for a person to check and reword.
 * Returns its file, or undefined where nothing does.
 */
export async function generateMigration(
  database: DatabaseConfig,
  entities: string[],
  name: string,
  timestamp: number,
): Promise<string | undefined> {
  const dataSource = await migrationDataSource(database, entities).initialize();
  try {
    const { up, down } = await schemaDifference(dataSource);
    if (up.length === 0) return undefined;
    const file = join(PROJECT_ROOT, 'migrations', `${timestamp}-${name}.ts`);
    writeFileSync(file, source(`${pascalCase(name)}${timestamp}`, up, down));
    return file;
  } finally {
    await dataSource.destroy();
  }
}

/** The statements that would make the database what the entities say, and those that would take them back. */
export async function schemaDifference(dataSource: DataSource): Promise<{ up: string[]; down: string[] }> {
  const { upQueries, downQueries } = await dataSource.driver.createSchemaBuilder().log();
  return {
    up: upQueries.map(({ query }) => query),
    down: downQueries.map(({ query }) => query).toReversed(),
  };
}

function source(className: string, up: string[], down: string[]): string {
  const body = (queries: string[]) =>
    queries.map((sql) => `    await queryRunner.query(\`${sql}\`);`).join('\n');
  return `import type { MigrationInterface, QueryRunner } from 'typeorm';

export class ${className} implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
${body(up)}
  }

  async down(queryRunner: QueryRunner): Promise<void> {
${body(down)}
  }
}
`;
}

function pascalCase(name: string): string {
  return name.replace(/(^|-)(\w)/g, (_match, _dash, letter: string) => letter.toUpperCase());
}
