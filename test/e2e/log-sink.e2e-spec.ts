import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createDatabase, type TestDatabase } from '../support/database';
import { freePort, newFolder } from '../support/server';
import { TEST_SECRET } from '../support/app';

jest.setTimeout(90_000);

const TOKEN = 'Wq7Lx2Vb9Rk4Tn6Ys3Zd8Fg1Hj5Kp0Mc';

describe('a log that nobody takes', () => {
  let database: TestDatabase;
  let child: ChildProcess | undefined;
  let baseUrl: string;

  beforeAll(async () => {
    database = await createDatabase();
  });
  afterEach(() => {
    child?.kill('SIGKILL');
  });
  afterAll(() => database.drop());

  const start = async (stdout: 'pipe' | number) => {
    const port = await freePort();
    baseUrl = `http://localhost:${port}`;
    child = spawn(process.execPath, [join(__dirname, '../../dist/server/main.js')], {
      cwd: newFolder(),
      env: {
        PATH: process.env.PATH,
        PORT: String(port),
        DATABASE_URL: database.url,
        JWT_SECRET: TEST_SECRET,
        METRICS_TOKEN: TOKEN,
        LOG_FORMAT: 'json',
        RATE_LIMITS: 'off',
      },
      stdio: ['ignore', stdout, 'ignore'],
    });
    const isReady = () =>
      fetch(`${baseUrl}/health/ready`).then(
        ({ ok }) => ok,
        () => false,
      );
    while (!(await isReady())) await sleep(50);
    return child;
  };
  const ask = async (count: number) => {
    const took: number[] = [];
    for (let done = 0; done < count; done += 50)
      await Promise.all(
        Array.from({ length: 50 }, async () => {
          const since = performance.now();
          const response = await fetch(`${baseUrl}/api/status`);
          await response.text();
          if (response.status !== 200) throw new Error(`answered ${response.status}`);
          took.push(performance.now() - since);
        }),
      );
    return took.sort((a, b) => a - b)[Math.floor(took.length * 0.99)]!;
  };
  const metric = async (name: string) => {
    const response = await fetch(`${baseUrl}/metrics`, { headers: { Authorization: `Bearer ${TOKEN}` } });
    return Number(new RegExp(`^${name} (.+)$`, 'm').exec(await response.text())?.[1]);
  };
  const end = async (process: ChildProcess) => {
    const since = performance.now();
    process.kill('SIGTERM');
    if (process.exitCode === null) await once(process, 'exit');
    return { code: process.exitCode, ms: performance.now() - since };
  };

  it('blocked: requests go on, lines are dropped and counted, memory stays, and the process can end', async () => {
    const server = await start('pipe');
    // Nobody ever reads: the pipe takes 64 kB, the process keeps 1 MB, the rest is dropped.
    await ask(2_000);
    const before = await metric('process_resident_memory_bytes');
    const p99 = await ask(6_000);
    expect(p99).toBeLessThan(1_000);
    expect(await metric('gatehouse_log_lines_dropped_total')).toBeGreaterThan(1_000);
    expect((await metric('process_resident_memory_bytes')) - before).toBeLessThan(60e6);
    const { code, ms } = await end(server);
    expect(code).toBe(0);
    expect(ms).toBeLessThan(15_000);
  });

  it('gone: requests go on and the process ends with 0', async () => {
    const server = await start('pipe');
    server.stdout!.destroy();
    await ask(500);
    expect((await end(server)).code).toBe(0);
  });

  it('full: requests go on and the process ends with 0', async () => {
    // Every write to it fails with ENOSPC.
    const full = openSync('/dev/full', 'w');
    const server = await start(full);
    closeSync(full);
    await ask(500);
    expect((await end(server)).code).toBe(0);
  });
});
