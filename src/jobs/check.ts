import type { DataSource } from 'typeorm';
import type { SchemaDriftReport } from 'pg-boss';
import { pgboss } from 'pg-boss/package.json';
import { createPromisingBoss, poolOf, SCHEMA } from './boss';
import { QUEUE_NAMES } from './queues';

/** What keeps the job queue of a database from being the one that this version works with: a sentence for each. */
export async function checkJobQueue(dataSource: DataSource): Promise<string[]> {
  const boss = createPromisingBoss(dataSource);
  boss.on('error', () => undefined);
  if (!(await boss.isInstalled())) return ['the job queue is not installed'];
  const version = await boss.schemaVersion();
  if (version !== pgboss.schema)
    return [
      `the job queue has version ${version ?? 'none'} of its tables, this program needs ${pgboss.schema}`,
    ];
  const { rows } = await poolOf(dataSource).query<{ name: string }>(`SELECT name FROM ${SCHEMA}.queue`);
  const missing = QUEUE_NAMES.filter((queue) => !rows.some(({ name }) => name === queue));
  return [
    ...driftsOf(await boss.detectSchemaDrift()),
    ...missing.map((queue) => `the queue ${queue} does not exist`),
  ];
}

/** In the words of pg-boss; its own report has the definitions. */
function driftsOf(report: SchemaDriftReport): string[] {
  const named = {
    'missing tables': report.missingTables,
    'missing indexes': report.missing.map(({ name }) => name),
    'invalid indexes': report.invalid.map(({ name }) => name),
    'changed indexes': report.mismatched.map(({ name }) => name),
    'missing functions': report.missingFunctions.map(({ name }) => name),
    'changed functions': report.mismatchedFunctions.map(({ name }) => name),
    'changed columns of': report.columnDrift.map(({ table }) => table),
    'changed constraints of': report.constraintDrift.map(({ table }) => table),
    'changed type': report.enumDrift ? [report.enumDrift.name] : [],
  };
  return Object.entries(named)
    .filter(([, names]) => names.length > 0)
    .map(([what, names]) => `${what}: ${names.join(', ')}`);
}
