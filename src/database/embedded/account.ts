import { chown, lchown, mkdir, readFile, readdir, realpath, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Account } from './process';

interface NamedAccount {
  name: string;
  uid: number;
  gid: number;
}

/** Accounts of PostgreSQL's own come before `nobody`, which other services share. */
const SYSTEM_ACCOUNTS = ['postgres', '_postgres', 'nobody'];

export function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/** Creates the directory where missing and resolves symlinks. What root creates belongs to the checkout's owner. */
export async function prepareDataDir(path: string): Promise<string> {
  const wanted = resolve(path);
  const created = await mkdir(wanted, { recursive: true, mode: 0o700 });
  if (created && isRoot()) {
    const { uid, gid } = await stat(dirname(created));
    for (let directory = wanted; directory !== dirname(created); directory = dirname(directory)) {
      await chown(directory, uid, gid);
    }
  }
  return realpath(wanted);
}

/**
 * PostgreSQL refuses to run as root. In its place: who owns the cluster already, else who owns the checkout, else an
 * account of the system. No account is ever created.
 *
 * @throws Error when the machine has no such account
 */
export async function chooseAccount(dataDir: string, data: string): Promise<Account> {
  if (!isRoot()) return undefined;
  const existing = await stat(data).catch(() => undefined);
  if (existing && existing.uid !== 0) return { uid: existing.uid, gid: existing.gid };
  const accounts = await listAccounts();
  const owner = await nearestOwner(dataDir);
  const account = accounts.find((known) => known.uid === owner) ?? systemAccount(accounts);
  if (!account) {
    throw new Error(
      'PostgreSQL does not run as root, and this machine has neither an account "postgres" nor "nobody"; ' +
        'run as an ordinary user or set DATABASE_URL to a PostgreSQL of your own',
    );
  }
  return { uid: account.uid, gid: account.gid };
}

/** For root, whose `cp` or `chown -R` took the cluster from the account: PostgreSQL insists on owning its files. */
export async function takePossession(data: string, { uid, gid }: NonNullable<Account>): Promise<void> {
  const current = await stat(data);
  if (current.uid !== uid) await chownTree(dirname(data), uid, gid);
}

/** The owner of the nearest directory, upwards, that is not root's; undefined when all are. */
async function nearestOwner(start: string): Promise<number | undefined> {
  for (let directory = start; ; directory = dirname(directory)) {
    const { uid } = await stat(directory);
    if (uid !== 0) return uid;
    if (directory === dirname(directory)) return undefined;
  }
}

/** initdb refuses a uid without an entry here. */
async function listAccounts(): Promise<NamedAccount[]> {
  const lines = (await readFile('/etc/passwd', 'utf8').catch(() => '')).split('\n');
  return lines
    .map((line) => line.split(':'))
    .filter((fields) => fields.length === 7)
    .map(([name = '', , uid, gid]) => ({ name, uid: asId(uid), gid: asId(gid) }));
}

/** macOS writes nobody's as -2. */
function asId(text: string | undefined): number {
  return Number(text) >>> 0;
}

function systemAccount(accounts: NamedAccount[]): NamedAccount | undefined {
  return SYSTEM_ACCOUNTS.map((name) => accounts.find((known) => known.name === name)).find(Boolean);
}

async function chownTree(directory: string, uid: number, gid: number): Promise<void> {
  await lchown(directory, uid, gid);
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    await (entry.isDirectory() ? chownTree(path, uid, gid) : lchown(path, uid, gid));
  }
}
