import { join } from 'node:path';
import { explain, StartError } from '../common/errors/start-error';
import type { DatabaseConfig } from '../config/config';
import { provision } from '../provision';
import { generateMigration } from './generate';
import { migrateDown, migrateUp } from './migrate';

/** `npm run migrate`, `migrate:down`, `migration:generate -- verb-noun`: exits 0, or 1 with the reason. */
async function run([command, name]: string[]): Promise<string> {
  const { config, release } = await provision(process.env);
  try {
    return await perform(config.database, command, name);
  } finally {
    await release();
  }
}

async function perform(database: DatabaseConfig, command = '', name = ''): Promise<string> {
  switch (command) {
    case 'up': {
      const applied = await migrateUp(database);
      return applied.length > 0 ? `applied: ${applied.join(', ')}` : 'nothing to migrate';
    }
    case 'down':
      return `taken back: ${(await migrateDown(database)) ?? 'nothing'}`;
    case 'generate': {
      if (!/^[a-z]+(-[a-z0-9]+)+$/.test(name))
        throw new StartError('name the migration like create-users: verb-noun');
      const entities = [join(__dirname, '..', '**', '*.entity.js')];
      const file = await generateMigration(database, entities, name, Date.now());
      return file ? `written: ${file}` : 'the entities and the database agree';
    }
    default:
      throw new StartError('use: up | down | generate <verb-noun>');
  }
}

run(process.argv.slice(2)).then(
  (message) => process.stdout.write(`${message}\n`),
  (error: unknown) => {
    process.stderr.write(`${explain(error)}\n`);
    process.exitCode = 1;
  },
);
