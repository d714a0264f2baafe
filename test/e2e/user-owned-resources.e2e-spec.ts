import { execFile } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const ROOT = join(__dirname, '../..');
const PAGE = 'docs/user-owned-resources.md';
/** Not needed: what is made, measured or installed, and the tests but these. */
const LEFT_OUT = new Set([
  '.git',
  '.data',
  'node_modules',
  'dist',
  'coverage',
  'bench',
  'drill',
  'client',
  'test',
]);
const TESTS = ['test/support', 'test/e2e/cross-user.e2e-spec.ts', 'test/e2e/schema.e2e-spec.ts'];

interface Step {
  language: string;
  /** The file that the words before the block name last. */
  file: string;
  code: string;
}

jest.setTimeout(180_000);

/** Does what the page says, in a copy of the project. */
describe(PAGE, () => {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-recipe-'));
  const steps = stepsOf(readFileSync(join(ROOT, PAGE), 'utf8'));
  const commands = steps.filter(({ language }) => language === 'sh').map(({ code }) => code.trim());

  beforeAll(() => {
    const paths = readdirSync(ROOT).filter((name) => !LEFT_OUT.has(name));
    for (const path of [...paths, ...TESTS]) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      cpSync(join(ROOT, path), join(folder, path), { recursive: true });
    }
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** `npx` of the copy, without asking a registry. */
  const run = async (command: string) => {
    const [npx, program, ...args] = command.split(' ');
    expect(npx).toBe('npx');
    const { JEST_WORKER_ID: _, TEST_POSTGRES_URL: __, ...env } = process.env;
    const file = join(ROOT, 'node_modules/.bin', program!);
    return new Promise<{ code: number; output: string }>((resolve) => {
      execFile(process.execPath, [file, ...args], { cwd: folder, env }, (error, stdout, stderr) => {
        resolve({ code: error ? 1 : 0, output: `${stdout}${stderr}` });
      });
    });
  };
  const succeed = async (command: string) => {
    const { code, output } = await run(command);
    if (code !== 0) throw new Error(`${command}\n${output}`);
    return output;
  };

  it('makes a resource that compiles, is well formatted, and passes its tests and that of all ids', async () => {
    const [first, last] = commands;
    expect(commands).toHaveLength(2);
    await succeed(first!);
    const written = steps.filter(({ language }) => language === 'ts');
    expect(written.length).toBeGreaterThanOrEqual(6);
    for (const { file, code } of written) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), code);
    }
    for (const step of steps.filter(({ language }) => language === 'diff')) patch(folder, step);

    const [types, , tests] = await Promise.all([
      run('npx tsc --noEmit'),
      succeed(`npx prettier --check ${written.map(({ file }) => file).join(' ')}`),
      succeed(last!),
    ]);
    // Of what the recipe writes; the rest of the project is checked elsewhere.
    const files = new Set(steps.map(({ file }) => file));
    const mistakes = [...types.output.matchAll(/^(\S+)\(\d+,\d+\): .+$/gm)];
    expect(mistakes.filter(([, file]) => files.has(file!)).map(([mistake]) => mistake)).toEqual([]);
    expect(mistakes.length > 0).toBe(types.code !== 0);
    expect(tests).toMatch(/\d+ routes with an id, \d+ attempts/);
    for (const name of ['notes', 'cross-user', 'schema'])
      expect(tests).toMatch(new RegExp(`PASS test/e2e/${name}\\.e2e-spec\\.ts`));
  });

  it.each([
    [
      'the sample',
      'test/support/samples.ts',
      /\n {2}'\/api\/users\/\{userId\}\/notes\/\{noteId\}'[^]+?\}\),/,
      'cross-user',
    ],
    ['the line of its rights', 'src/schema/rights.ts', ", 'notes'", 'notes'],
    [
      'the policy',
      'migrations/1799000000000-create-notes.ts',
      /await queryRunner.query\(`\s+CREATE POLICY[^]+?\);\n/,
      'notes',
    ],
  ])('notices when %s is forgotten', async (_, file, text, test) => {
    const path = join(folder, file);
    const before = readFileSync(path, 'utf8');
    writeFileSync(path, before.replace(text, ''));
    expect(readFileSync(path, 'utf8')).not.toBe(before);
    const { code, output } = await run(`npx jest test/e2e/${test} --coverage=false`);
    writeFileSync(path, before);
    expect([code, output]).toEqual([1, expect.stringContaining(`FAIL test/e2e/${test}.e2e-spec.ts`)]);
  });
});

function stepsOf(page: string): Step[] {
  const [, recipe] = page.split('\n## A resource of your own\n');
  return [...recipe!.matchAll(/([^]*?)\n```(\w+)\n([^]*?)\n```\n/g)].map(([, words, language, code]) => ({
    language: language!,
    file: [...words!.matchAll(/`((?:src|migrations|test)\/[\w/.-]+)`/g)].at(-1)?.[1] ?? '',
    code: `${code}\n`,
  }));
}

/** Replaces lines that are there exactly once. */
function patch(folder: string, { file, code }: Step): void {
  const lines = code.trimEnd().split('\n');
  const sideOf = (sign: string) =>
    lines
      .filter((line) => line[0] === ' ' || line[0] === sign)
      .map((line) => line.slice(1))
      .join('\n');
  const path = join(folder, file);
  expect([file, existsSync(path)]).toEqual([file, true]);
  const parts = readFileSync(path, 'utf8').split(sideOf('-'));
  expect([file, parts.length]).toEqual([file, 2]);
  writeFileSync(path, parts.join(sideOf('+')));
}
