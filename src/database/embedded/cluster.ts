import { randomBytes } from 'node:crypto';
import { chmod, chown, mkdtemp, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { chooseAccount, isRoot, takePossession } from './account';
import { findBinaries, type Binaries } from './binaries';
import { reachAs, run, type Account } from './process';
import { clearAfterCrash } from './recovery';

/** The owner of the embedded database: its name in PostgreSQL, not on the machine. */
export const DATABASE_USER = 'gatehouse';

const STAGING = 'cluster.new-';

/** A PostgreSQL cluster at rest. It lies in `<dataDir>/cluster`: `data` is PostgreSQL's own, `password` ours. */
export interface Cluster {
  binaries: Binaries;
  account: Account;
  data: string;
  password: string;
}

/**
 * The cluster below `dataDir`, created where missing, with nothing left running on it. Only for the owner of `dataDir`
 * (see `claimDataDir`).
 *
 * @throws Error when PostgreSQL is not installed, initdb fails or the cluster belongs to somebody else
 */
export async function openCluster(dataDir: string, durable: boolean): Promise<Cluster> {
  const data = join(dataDir, 'cluster', 'data');
  const account = await chooseAccount(dataDir, data);
  const binaries = await findBinaries(account);
  await refuseForeign(dirname(data));
  await removeStaging(dataDir);
  if (!(await exists(data))) await createCluster(dataDir, binaries.initdb, account, durable);
  if (account) await takePossession(data, account);
  // PostgreSQL insists on it, and a copied checkout has lost it.
  await chmod(data, 0o700);
  await clearAfterCrash(data, binaries.pgCtl);
  return { binaries, account, data, password: await readPassword(join(dirname(data), 'password')) };
}

async function refuseForeign(cluster: string): Promise<void> {
  if (isRoot() || !process.getuid || !(await exists(cluster))) return;
  const { uid } = await stat(cluster);
  if (uid === process.getuid()) return;
  throw new Error(
    `the embedded database ${cluster} belongs to uid ${uid}, this process runs as uid ${process.getuid()}: ` +
      `run it as that user, or remove ${dirname(cluster)} to begin with an empty database`,
  );
}

/** Only certain absence counts: an unreadable cluster must never be replaced by an empty one. */
async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

/** What an interrupted initdb left. It may still be running for a moment; then the next start removes the rest. */
async function removeStaging(dataDir: string): Promise<void> {
  for (const name of await readdir(dataDir)) {
    if (!name.startsWith(STAGING)) continue;
    const options = { recursive: true, force: true, maxRetries: 10, retryDelay: 50 };
    await rm(join(dataDir, name), options).catch(() => undefined);
  }
}

/** initdb works on the side and the result is renamed: a cluster is complete or not there at all. */
async function createCluster(
  dataDir: string,
  initdb: string,
  account: Account,
  durable: boolean,
): Promise<void> {
  const staging = await mkdtemp(join(dataDir, STAGING));
  try {
    await writePassword(join(staging, 'password'), account);
    if (account) await chown(staging, account.uid, account.gid);
    await runInitdb(initdb, staging, account, durable);
    const cluster = join(dataDir, 'cluster');
    await rm(cluster, { recursive: true, force: true });
    await rename(staging, cluster);
  } catch (error) {
    await rm(staging, { recursive: true, force: true });
    throw error;
  }
}

async function writePassword(path: string, account: Account): Promise<void> {
  await writeFile(path, randomBytes(24).toString('hex'), { mode: 0o600, flush: true });
  if (account) await chown(path, account.uid, account.gid);
}

async function runInitdb(initdb: string, staging: string, account: Account, durable: boolean): Promise<void> {
  const reach = await reachAs(account, staging);
  const args = [
    `--pgdata=${reach.path}/data`,
    `--pwfile=${reach.path}/password`,
    `--username=${DATABASE_USER}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C',
    '--no-instructions',
    ...(durable ? [] : ['--no-sync']),
  ];
  const { code, output } = await run(initdb, args, { account, inherit: reach.inherit }).finally(reach.close);
  if (code === 0) return;
  throw new Error(
    `initdb could not create the embedded database in ${dirname(staging)} ` +
      `(set DATABASE_URL to use a PostgreSQL of your own):\n${output.trim()}`,
  );
}

async function readPassword(path: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (error) {
    throw new Error(
      `the password of the embedded database cannot be read from ${path}: restore that file, ` +
        `or remove ${dirname(dirname(path))} to begin with an empty database`,
      { cause: error },
    );
  }
}
