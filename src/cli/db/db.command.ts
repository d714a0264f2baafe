import { Command, SubCommand } from 'nest-commander';
import { assertReachable } from '../../database/connect';
import type { SchemaReport } from '../../schema/check';
import { AdminCommand, CommandGroup, type Answer } from '../admin-command';
import { EXIT } from '../exit-codes';
import { table } from '../table';

@SubCommand({
  name: 'check',
  description: 'compare the database with what this version needs, and count its rows; changes nothing',
})
export class DbCheckCommand extends AdminCommand {
  protected async answer(): Promise<Answer> {
    const report = await this.installation.withDatabase(async ({ database }) => {
      const { checkSchema, ENTITIES } = require('../../schema/check') as typeof import('../../schema/check');
      return checkSchema(database, ENTITIES);
    });
    const isOk = report.problems.length === 0;
    return {
      json: { ok: isOk, ...report },
      text: textOf(report),
      exitCode: isOk ? EXIT.ok : EXIT.problems,
    };
  }
}

@SubCommand({ name: 'migrate', description: 'bring the schema up to date' })
export class DbMigrateCommand extends AdminCommand {
  protected async answer(): Promise<Answer> {
    const applied = await this.installation.withDatabase(async ({ database }) => {
      const { migrateUp } = require('../../schema/migrate') as typeof import('../../schema/migrate');
      // Migrations are patient; who typed the command is not.
      await assertReachable(database.directUrl);
      return migrateUp(database);
    });
    const text = applied.length > 0 ? `applied: ${applied.join(', ')}\n` : 'nothing to migrate\n';
    return { json: { applied }, text };
  }
}

export const DB_COMMANDS = [DbCheckCommand, DbMigrateCommand];

@Command({ name: 'db', description: 'the database', subCommands: DB_COMMANDS })
export class DbCommand extends CommandGroup {}

function textOf({ problems, migrations, tables }: SchemaReport): string {
  const counts = tables.map((count) => [
    count.table,
    `${count.isEstimate ? '~' : ''}${count.rows ?? 'unknown'}`,
  ]);
  const verdict =
    problems.length === 0
      ? `The database is as this version needs it: ${migrations.applied} migrations applied.\n`
      : table(
          ['PROBLEM', 'TABLE', 'NAME', 'DETAIL'],
          problems.map(({ kind, table: name, ...problem }) => [kind, name, problem.name, problem.detail]),
        );
  return `${table(['TABLE', 'ROWS'], counts)}\n${verdict}`;
}
