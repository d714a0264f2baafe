// The embedded PostgreSQL with the memory that a database of this size is given: the one for development takes 64 MB.
import { spawn } from 'node:child_process';
import { totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import cluster from '../../dist/src/database/embedded/cluster.js';
import processes from '../../dist/src/database/embedded/process.js';
import { end, freePort } from '../place.mjs';

const START_MS = 60_000;
/** Megabytes: a quarter of the machine, as PostgreSQL's documentation advises, and at most 4 GB. */
export const SHARED_BUFFERS = Math.min(4096, Math.round(totalmem() / 2 ** 22));

/** The cluster in a folder, created where missing. */
export async function startPostgres(dataDir) {
  const { binaries, account, data, password } = await cluster.openCluster(dataDir, true);
  const port = await freePort();
  const reach = await processes.reachAs(account, data);
  const settings = [
    `port=${port}`,
    'listen_addresses=127.0.0.1',
    'unix_socket_directories=',
    'timezone=UTC',
    `shared_buffers=${SHARED_BUFFERS}MB`,
  ].flatMap((setting) => ['-c', setting]);
  const child = spawn(join(dirname(binaries.pgCtl), 'postgres'), ['-D', reach.path, ...settings], {
    ...account,
    cwd: '/',
    env: processes.toolEnvironment(),
    stdio: ['ignore', 'ignore', 'ignore', ...reach.inherit],
  });
  process.on('exit', () => child.kill('SIGINT'));
  await reach.close();
  const url = `postgres://${cluster.DATABASE_USER}:${password}@127.0.0.1:${port}/postgres`;
  await answering(url, child);
  return { url, stop: () => end(child, 'SIGINT') };
}

async function answering(url, child) {
  for (const until = Date.now() + START_MS; Date.now() < until && child.exitCode === null; await sleep(100)) {
    const client = new Client({ connectionString: url });
    const isThere = await client.connect().then(
      () => true,
      () => false,
    );
    await client.end().catch(() => undefined);
    if (isThere) return;
  }
  throw new Error('PostgreSQL did not start');
}
