import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  startEmbeddedPostgres,
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
} from '../embedded-postgres';
import { DATABASE_USER } from './cluster';
import { DataDirInUse, ownerOf } from './owner';
import { isServerOf } from './process';

/** For a server that is just starting, and for commands that come one after another. */
const PATIENCE_MS = 20_000;
const POLL_MS = 100;

/** The lines of PostgreSQL's pid file, as its miscadmin.h counts them from 1. */
const PID_LINE = 1;
const PORT_LINE = 4;
const STATUS_LINE = 8;

/**
 * The embedded PostgreSQL of `dataDir`, whoever runs it: a Gatehouse that serves, whose database is used and left
 * running, or else this process until `stop()`. One that another command runs is waited for, until it is gone.
 *
 * @throws Error as `startEmbeddedPostgres` does
 */
export async function joinEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const url = await runningUrl(resolve(options.dataDir), options.database);
    if (url !== undefined) return { url, stop: async () => undefined };
    try {
      return await startEmbeddedPostgres({ ...options, isPassing: true });
    } catch (error) {
      // It has an owner who is not ready yet, or not gone yet.
      if (!(error instanceof DataDirInUse) || performance.now() > deadline) throw error;
      await sleep(POLL_MS);
    }
  }
}

/** Undefined where no server is ready on this directory. */
async function runningUrl(dataDir: string, database = 'gatehouse'): Promise<string | undefined> {
  const data = join(dataDir, 'cluster', 'data');
  const [lines, password] = await Promise.all([
    readFile(join(data, 'postmaster.pid'), 'utf8').then(
      (text) => text.split('\n'),
      () => [],
    ),
    readFile(join(dataDir, 'cluster', 'password'), 'utf8').catch(() => undefined),
  ]);
  const line = (number: number) => lines[number - 1]?.trim() ?? '';
  const isReady = line(STATUS_LINE) === 'ready' && isServerOf(Number(line(PID_LINE)), data);
  if (!isReady || password === undefined || (await ownerOf(dataDir))?.isPassing !== false) return undefined;
  const authority = `${DATABASE_USER}:${password.trim()}@127.0.0.1:${Number(line(PORT_LINE))}`;
  return `postgres://${authority}/${encodeURIComponent(database)}`;
}
