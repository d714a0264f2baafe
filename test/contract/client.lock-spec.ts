import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ErrorCode } from '../../client/src/index';
import { PUBLIC_PATHS } from '../../client/src/public-paths';
import { catalogue, entryOf, type ErrorCode as Code, type ErrorKey } from '../../src/common/errors/catalogue';
import { PROJECT } from '../../src/common/project';
import { committedOpenApi } from '../support/openapi';

const run = promisify(execFile);
const CLIENT = join(__dirname, '../../client');
const GENERATE = '`npm run types --prefix client`';

/** `tsc --noEmit` fails on this line unless the two are the same. */
const areTheSame: [Exclude<ErrorCode, 'unreachable'>, Code] extends [Code, Exclude<ErrorCode, 'unreachable'>]
  ? true
  : never = true;

const manifest = (folder: string) =>
  JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    version: string;
    scripts: Record<string, string>;
    dependencies: Record<string, string>;
    devDependencies: Record<string, string>;
  };

describe('the client', () => {
  it(`has the types of docs/openapi.json: run ${GENERATE} after a change`, async () => {
    const [command, ...args] = manifest(CLIENT).scripts.types!.split(' ');
    const program = join(__dirname, '../../node_modules/.bin', command!);
    const check = run(program, [...args, '--check'], { cwd: CLIENT });
    await expect(check).resolves.toBeDefined();
  });

  it(`has the codes of the catalogue: run \`npm run openapi\` and ${GENERATE} after a change`, () => {
    const schema = readFileSync(join(CLIENT, 'src/schema.d.ts'), 'utf8');
    const codes = /ErrorCode: ("\w+"(?: \| "\w+")*);/.exec(schema)![1]!.split(' | ');
    const keys = Object.keys(catalogue) as ErrorKey[];
    expect(codes.map((code) => JSON.parse(code) as string).sort()).toEqual(
      [...new Set(keys.map((key) => entryOf(key).code as string))].sort(),
    );
    expect(areTheSame).toBe(true);
  });

  it('knows which paths are public: correct client/src/public-paths.ts', () => {
    const operations = Object.entries(committedOpenApi().paths).map(([path, methods]) => ({
      path,
      isPublic: Object.values(methods as Record<string, { security?: unknown[] }>).map(
        ({ security }) => !security,
      ),
    }));
    // A path is public as a whole or not at all, or the client would need to know methods as well.
    expect(operations.filter(({ isPublic }) => new Set(isPublic).size > 1)).toEqual([]);
    const expected = operations.filter(({ isPublic }) => isPublic[0]).map(({ path }) => path);
    expect([...PUBLIC_PATHS].sort()).toEqual(expected.sort());
  });

  it('has the version of the service, and depends on what it is tested with', () => {
    const client = manifest(CLIENT);
    expect(client.version).toBe(PROJECT.version);
    expect(Object.entries(client.dependencies)).toEqual([
      ['openapi-fetch', manifest(join(CLIENT, '..')).devDependencies['openapi-fetch']],
    ]);
  });
});
