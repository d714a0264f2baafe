import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { PASSWORD, verified } from '../support/actors';
import { TestApp } from '../support/app';
import { MINUTE } from '../support/clock';

const run = promisify(execFile);
const ROOT = join(__dirname, '../..');
const MODULES = join(ROOT, 'node_modules');
const TSC = join(MODULES, 'typescript/bin/tsc');

/** Prints what an application sees. */
const PROGRAM = `
import * as client from 'gatehouse-client';
const [baseUrl, email, password] = process.argv.slice(2);
const gatehouse = client.createClient({ baseUrl });
const wrong = await gatehouse.login({ email, password: 'wrong' });
const right = await gatehouse.login({ email, password });
const profile = await gatehouse.api.GET('/api/auth/profile');
console.log(JSON.stringify({
  exports: Object.keys(client).sort(),
  wrong: wrong.error.code,
  email: right.data.user.email,
  id: profile.data.id,
  isKnown: gatehouse.session.expiresAt > new Date(),
}));
`;

/** A tab whose storage is a file. */
const TAB = `
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { parentPort, threadId, workerData } from 'node:worker_threads';
import { createClient } from 'gatehouse-client';
const { baseUrl, file } = workerData;
const store = {
  name: 'a file',
  load() {
    try {
      return JSON.parse(readFileSync(file, 'utf8'));
    } catch {
      return null;
    }
  },
  save(session) {
    writeFileSync(file + threadId, JSON.stringify(session));
    renameSync(file + threadId, file);
  },
};
let refreshes = 0;
const gatehouse = createClient({
  baseUrl,
  store,
  fetch(request) {
    if (request.url.endsWith('/refresh')) refreshes += 1;
    return fetch(request);
  },
});
let ended;
gatehouse.on('ended', ({ reason }) => (ended = reason));
parentPort.on('message', async (credentials) => {
  const { data, error } = credentials
    ? await gatehouse.login(credentials)
    : await gatehouse.api.GET('/api/auth/profile');
  parentPort.postMessage({ ok: data !== undefined, code: error?.code, refreshes, ended });
});
parentPort.postMessage('ready');
`;

interface TabState {
  ok: boolean;
  code?: string;
  refreshes: number;
  ended?: string;
}

describe('the package of the client', () => {
  let app: TestApp;
  let folder: string;
  let application: string;
  let installed: string;

  beforeAll(async () => {
    app = await TestApp.start();
    folder = mkdtempSync(join(tmpdir(), 'gatehouse-client-'));
    const sources = join(folder, 'sources/client');
    cpSync(join(ROOT, 'client'), sources, { recursive: true, filter: (path) => !/client\/dist/.test(path) });
    symlinkSync(MODULES, join(folder, 'sources/node_modules'));
    // As for the registry: builds it first.
    await run('npm', ['pack', '--pack-destination', folder], { cwd: sources });
    const archive = readdirSync(folder).find((name) => name.endsWith('.tgz'))!;
    application = join(folder, 'application');
    installed = join(application, 'node_modules/gatehouse-client');
    mkdirSync(installed, { recursive: true });
    await run('tar', ['-xzf', join(folder, archive), '-C', installed, '--strip-components=1']);
    for (const name of ['openapi-fetch', 'openapi-typescript-helpers'])
      cpSync(join(MODULES, name), join(application, 'node_modules', name), { recursive: true });
    writeFileSync(join(application, 'package.json'), '{ "type": "module" }');
  }, 120_000);
  afterAll(async () => {
    await app.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('holds what is needed and nothing else', () => {
    const files = readdirSync(installed, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name).slice(installed.length + 1));
    expect(files).toEqual(
      expect.arrayContaining(['README.md', 'package.json', 'dist/index.js', 'dist/index.d.ts']),
    );
    const others = files.filter(
      (name) => !/^(LICENSE|README\.md|package\.json|dist\/[\w-]+(\.d\.ts|\.js))$/.test(name),
    );
    // The declarations refer to it.
    expect(others).toEqual(['src/schema.d.ts']);
  });

  it('runs in Node as it is', async () => {
    const { id, email } = await verified(app);
    writeFileSync(join(application, 'program.mjs'), PROGRAM);
    const { stdout } = await run(process.execPath, ['program.mjs', app.http.baseUrl, email, PASSWORD], {
      cwd: application,
    });
    expect(JSON.parse(stdout)).toEqual({
      exports: ['createClient', 'localStorageStore', 'memoryStore'],
      wrong: 'invalid_credentials',
      email,
      id,
      isKnown: true,
    });
  });

  it.each([
    ['a bundler', { module: 'esnext', moduleResolution: 'bundler', lib: ['es2023', 'dom'], types: [] }],
    ['a browser', { module: 'nodenext', moduleResolution: 'nodenext', lib: ['es2023', 'dom'], types: [] }],
    ['Node', { module: 'nodenext', moduleResolution: 'nodenext', lib: ['es2023'], types: ['node'] }],
  ])(
    'is typed for %s',
    async (_, options) => {
      cpSync(join(ROOT, 'client/test/expectations.ts'), join(application, 'expectations.ts'));
      const compilerOptions = {
        ...options,
        target: 'es2022',
        strict: true,
        exactOptionalPropertyTypes: true,
        skipLibCheck: false,
        noEmit: true,
        typeRoots: [join(MODULES, '@types')],
      };
      writeFileSync(
        join(application, 'tsconfig.json'),
        JSON.stringify({ compilerOptions, files: ['expectations.ts'] }),
      );
      const result = await run(process.execPath, [TSC, '-p', '.'], { cwd: application }).catch(
        (error: { stdout: string }) => error,
      );
      expect(result.stdout).toBe('');
    },
    60_000,
  );

  it('keeps one session in four threads through a hundred renewals', async () => {
    writeFileSync(join(application, 'tab.mjs'), TAB);
    const workerData = { baseUrl: app.http.baseUrl, file: join(folder, 'session.json') };
    const tabs = Array.from({ length: 4 }, () => new Worker(join(application, 'tab.mjs'), { workerData }));
    const heard = async (tab: Worker) => ((await once(tab, 'message')) as [TabState])[0];
    const ask = (tab: Worker, message: unknown) => {
      const answer = heard(tab);
      tab.postMessage(message, []);
      return answer;
    };
    await Promise.all(tabs.map((tab) => heard(tab)));
    const { id, email, password } = await verified(app);
    expect(await ask(tabs[0]!, { email, password })).toMatchObject({ ok: true });
    for (let round = 1; round <= 100; round++) {
      app.clock.advance(15 * MINUTE);
      const states = await Promise.all(tabs.map((tab) => ask(tab, null)));
      expect(states.filter(({ ok, code, ended }) => !ok || code || ended)).toEqual([]);
      expect(states.reduce((sum, { refreshes }) => sum + refreshes, 0)).toBe(round);
    }
    for (const tab of tabs) await tab.terminate();
    const sessions = await app.database.query('SELECT generation FROM sessions WHERE user_id = $1', [id]);
    expect(sessions).toEqual([{ generation: 100 }]);
  }, 120_000);
});
