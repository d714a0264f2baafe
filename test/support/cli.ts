import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TEST_SECRET } from './app';

const PROGRAM = join(__dirname, '../../dist/src/cli.js');

export interface CliRun {
  /** Null where it was killed. */
  code: number | null;
  stdout: string;
  stderr: string;
  milliseconds: number;
}

export interface CliOptions {
  /** On stdin; without it stdin is empty. */
  input?: string | Buffer;
  /** Its working directory, where `.env` and `.data/` are looked for. */
  folder?: string;
}

/** Runs the built command line in a clean environment, to its end. */
export async function runCli(
  args: string[],
  env: Record<string, string>,
  { input = '', folder = tmpdir() }: CliOptions = {},
): Promise<CliRun> {
  const { PATH, HOME } = process.env;
  const startedAt = performance.now();
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    cwd: folder,
    env: { PATH, HOME, BCRYPT_COST: '4', ...env },
    stdio: 'pipe',
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  // It may end without having read all of it.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, stdout, stderr, milliseconds: performance.now() - startedAt };
}

/** The command line of one database, beside the replicas of the tests. */
export function cliOf(databaseUrl: string, env: Record<string, string> = {}) {
  const settings = {
    DATABASE_URL: databaseUrl,
    JWT_SECRET: TEST_SECRET,
    PUBLIC_URL: 'http://localhost:3000',
  };
  const run = (args: string[], options?: CliOptions) => runCli(args, { ...settings, ...env }, options);
  return {
    run,
    /** With `--json`; the document, where it ended well. */
    async json<T = Record<string, unknown>>(args: string[], options?: CliOptions): Promise<T> {
      const { code, stdout, stderr } = await run([...args, '--json'], options);
      if (code !== 0) throw new Error(`gatehouse ${args.join(' ')} ended with ${code}: ${stderr}`);
      return JSON.parse(stdout) as T;
    },
  };
}
