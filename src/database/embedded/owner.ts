import { randomUUID } from 'node:crypto';
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { processIdentity } from './process';

/** A process that was killed or told to stop a moment ago may still be on its way out. */
const PATIENCE_MS = 1_000;
const POLL_MS = 50;

const CLAIM = 'owner.json';

export interface Owner {
  pid: number;
  identity: string;
  /** It stops the server as soon as one command is done: nobody else should rely on it. */
  isPassing?: boolean;
}

/** Another process runs the server on this directory. */
export class DataDirInUse extends Error {}

/**
 * Makes this process the only one to run a server on `dataDir`, until the returned function is called or it dies.
 * What a dead owner left behind is taken over.
 *
 * @param isPassing see `Owner`
 * @throws DataDirInUse when the owner is alive and stays so for a second
 */
export async function claimDataDir(dataDir: string, isPassing = false): Promise<() => Promise<void>> {
  const claim = join(dataDir, CLAIM);
  const draft = `${claim}.${randomUUID()}`;
  const own = JSON.stringify({ pid: process.pid, identity: processIdentity(process.pid), isPassing });
  const deadline = performance.now() + PATIENCE_MS;
  await writeFile(draft, own);
  try {
    while (!(await linkUnlessTaken(draft, claim))) {
      const judged = await readIfThere(claim);
      const living = livingOwner(judged);
      if (living === undefined) await removeStale(claim, judged, `${draft}.stale`);
      else if (performance.now() < deadline) await sleep(POLL_MS);
      else throw new DataDirInUse(inUse(living, dataDir));
    }
  } finally {
    await rm(draft, { force: true });
  }
  return async () => {
    if ((await readIfThere(claim)) === own) await rm(claim, { force: true });
  };
}

/** The process that runs the server on `dataDir`; undefined where none does that is alive. */
export async function ownerOf(dataDir: string): Promise<Owner | undefined> {
  const content = await readIfThere(join(dataDir, CLAIM));
  return livingOwner(content) === undefined ? undefined : parseOwner(content ?? '');
}

/** A link appears with its content, at once or not at all, which a file opened for writing does not. */
async function linkUnlessTaken(draft: string, claim: string): Promise<boolean> {
  try {
    await link(draft, claim);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** The pid of the owner, where that process is still the same. */
function livingOwner(content = ''): number | undefined {
  const owner = parseOwner(content);
  return owner?.identity && processIdentity(owner.pid) === owner.identity ? owner.pid : undefined;
}

/** Of two processes that judge the same leftover, the slower may grab the claim of the faster: so it looks again. */
async function removeStale(claim: string, judged: string | undefined, aside: string): Promise<void> {
  if (judged === undefined) return;
  await rename(claim, aside).catch(ignoreMissing);
  const taken = await readIfThere(aside);
  if (taken !== undefined && taken !== judged) await link(aside, claim).catch(() => undefined);
  await rm(aside, { force: true });
}

function inUse(pid: number, dataDir: string): string {
  return `another Gatehouse (pid ${pid}) is using ${dataDir}; stop it or run this checkout from another folder`;
}

/** Undefined for what a full disk or a power cut left of the file. */
function parseOwner(content: string): Owner | undefined {
  try {
    const owner = JSON.parse(content) as Partial<Owner> | null;
    return Number.isSafeInteger(owner?.pid) ? (owner as Owner) : undefined;
  } catch {
    return undefined;
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(ignoreMissing);
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
  return undefined;
}
