import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { MigrationInterface } from 'typeorm';

type MigrationClass = new () => MigrationInterface;

const folder = join(__dirname, '../../migrations');

/** Every migration of the top-level `migrations/` folder, oldest first: a new file is found without being listed. */
export function migrations(): MigrationClass[] {
  return readdirSync(folder)
    .filter((file) => /^\d{13}-[\w-]+\.(js|ts)$/.test(file))
    .sort()
    .map((file) => {
      const exported = Object.values(require(join(folder, file)) as Record<string, MigrationClass>);
      if (exported.length !== 1) throw new Error(`migrations/${file} must export exactly one class`);
      return exported[0]!;
    });
}
