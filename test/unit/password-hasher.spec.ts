import { lookup } from 'node:dns/promises';
import { availableParallelism } from 'node:os';
import type { Worker } from 'node:worker_threads';
import { Logger } from '@nestjs/common';
import { compareSync, hashSync } from 'bcryptjs';
import { Registry } from 'prom-client';
import { HashPool, QUEUED_JOBS_PER_THREAD } from '../../src/auth/passwords/hash-pool';
import { PasswordHasher } from '../../src/auth/passwords/password-hasher';
import { AppError } from '../../src/common/errors/app-error';
import { runFor } from '../../src/common/load/caller';
import { EventLoopLag } from '../../src/common/load/event-loop-lag';
import { LoadShedding } from '../../src/common/load/load-shedding';
import { Config } from '../../src/config/config';

const COST = 4;
const OLD_PEPPER = 'Wq7vN2xkR9tB4mZc8LpYh3sDf6gJaUe1';
const NEW_PEPPER = 'k5TzP0nVb8QwXe2RmCy7uHdLs9aJ4GfE';
const PASSWORD = 'correct horse 7 battery!';
const TESTER = '192.0.2.1';

const opened: { close(): Promise<void> }[] = [];
const registries = new WeakMap<object, Registry>();

function hasherWith({ peppers = [] as string[], bcryptCost = COST } = {}): PasswordHasher {
  const config = Object.assign(new Config(), { passwords: { policy: 'composition', bcryptCost, peppers } });
  const registry = new Registry();
  const hasher = asTester(new PasswordHasher(config, registry, sheddingOf(config, registry)));
  registries.set(hasher, registry);
  opened.push({ close: () => hasher.onApplicationShutdown() });
  return hasher;
}

function poolWith(engine?: 'bcryptjs', Pool = HashPool): HashPool {
  const registry = new Registry();
  const pool = asTester(new Pool({ registry, shedding: sheddingOf(new Config(), registry), engine }));
  opened.push(pool);
  return pool;
}

const sheddingOf = (config: Config, registry: Registry) =>
  new LoadShedding(new EventLoopLag(registry), config, registry);

/** Calls each method on the account of one and the same address. */
function asTester<Subject extends object>(subject: Subject): Subject {
  return new Proxy(subject, {
    get(_, name) {
      const member: unknown = Reflect.get(subject, name, subject);
      if (typeof member !== 'function') return member;
      return (...args: unknown[]) =>
        runFor({ address: TESTER }, () => member.apply(subject, args) as unknown);
    },
  });
}

/** A pool whose worker file is missing, as after a broken build. */
function poolWithoutWorker(report: () => void): HashPool {
  let pool: HashPool | undefined;
  jest.isolateModules(() => {
    const path = jest.requireActual<typeof import('node:path')>('node:path');
    jest.doMock('node:path', () => ({ ...path, join: () => '/missing/hash.worker.js' }));
    jest.doMock('../../src/common/load/caller', () => ({ currentCaller: () => ({ address: TESTER }) }));
    const { Logger: IsolatedLogger } = require('@nestjs/common') as typeof import('@nestjs/common');
    IsolatedLogger.overrideLogger({ log: () => {}, warn: () => {}, error: report });
    const isolated = require('../../src/auth/passwords/hash-pool') as { HashPool: typeof HashPool };
    pool = poolWith(undefined, isolated.HashPool);
  });
  jest.dontMock('node:path');
  jest.dontMock('../../src/common/load/caller');
  return pool!;
}

/** How many observations a histogram of the hasher has. */
async function countOf(hasher: PasswordHasher, name: string): Promise<number> {
  const metric = await registries.get(hasher)!.getSingleMetric(name)!.get();
  const values = metric.values as { metricName?: string; value: number }[];
  return values.find(({ metricName }) => metricName === `${name}_count`)?.value ?? 0;
}

async function jobsOf(hasher: PasswordHasher, action: () => Promise<unknown>): Promise<number> {
  const before = await countOf(hasher, 'gatehouse_hash_seconds');
  await action();
  return (await countOf(hasher, 'gatehouse_hash_seconds')) - before;
}

beforeAll(() => Logger.overrideLogger(false));

afterEach(async () => {
  await Promise.all(opened.splice(0).map((each) => each.close()));
});

describe('the stored form', () => {
  it('names scheme, pepper version, cost, and carries a fresh salt', async () => {
    const hasher = hasherWith({ peppers: [NEW_PEPPER] });
    const [first, second] = await Promise.all([hasher.hash(PASSWORD), hasher.hash(PASSWORD)]);
    expect(first).toMatch(/^\$bcrypt-hmac-sha384\$p=[0-9a-f]{8}\$2b\$04\$[./A-Za-z0-9]{53}$/);
    expect(second).not.toBe(first);
    expect(second.slice(0, 29)).toBe(first.slice(0, 29));
  });

  it('has version 0 without a pepper', async () => {
    expect(await hasherWith().hash(PASSWORD)).toMatch(/^\$bcrypt-hmac-sha384\$p=0\$2b\$04\$/);
  });

  it('does not contain the pepper', async () => {
    expect(await hasherWith({ peppers: [NEW_PEPPER] }).hash(PASSWORD)).not.toContain(NEW_PEPPER.slice(0, 8));
  });
});

describe('verify', () => {
  it('accepts the password and nothing that resembles it', async () => {
    const hasher = hasherWith({ peppers: [NEW_PEPPER] });
    const stored = await hasher.hash(PASSWORD);
    expect(await hasher.verify(PASSWORD, stored)).toBe(true);
    for (const other of [`${PASSWORD} `, ` ${PASSWORD}`, PASSWORD.toUpperCase(), PASSWORD.slice(0, -1), ''])
      expect(await hasher.verify(other, stored)).toBe(false);
  });

  it('takes composed and decomposed characters for equal (NFC)', async () => {
    const hasher = hasherWith();
    expect(await hasher.verify('cafe\u0301 7!', await hasher.hash('caf\u00e9 7!'))).toBe(true);
    expect(await hasher.verify('caf\u00e9 7!', await hasher.hash('cafe\u0301 7!'))).toBe(true);
  });

  it('uses what comes after 72 bytes', async () => {
    const hasher = hasherWith();
    const stored = await hasher.hash(`${'é'.repeat(72)}1`);
    expect(await hasher.verify(`${'é'.repeat(72)}1`, stored)).toBe(true);
    expect(await hasher.verify(`${'é'.repeat(72)}2`, stored)).toBe(false);
  });

  it('knows every pepper of the list and no other', async () => {
    const stored = await hasherWith({ peppers: [OLD_PEPPER] }).hash(PASSWORD);
    expect(await hasherWith({ peppers: [NEW_PEPPER, OLD_PEPPER] }).verify(PASSWORD, stored)).toBe(true);
    expect(await hasherWith({ peppers: [NEW_PEPPER] }).verify(PASSWORD, stored)).toBe(false);
    expect(await hasherWith().verify(PASSWORD, stored)).toBe(false);
  });

  it('still knows hashes from before the first pepper', async () => {
    const stored = await hasherWith().hash(PASSWORD);
    expect(await hasherWith({ peppers: [NEW_PEPPER] }).verify(PASSWORD, stored)).toBe(true);
  });

  it.each(['2a', '2b', '2y'])('accepts an imported plain $%s$ hash', async (prefix) => {
    const imported = `$${prefix}$${hashSync('caf\u00e9 7!', COST).slice(4)}`;
    const hasher = hasherWith({ peppers: [NEW_PEPPER] });
    expect(await hasher.verify('cafe\u0301 7!', imported)).toBe(true);
    expect(await hasher.verify('cafe 7!', imported)).toBe(false);
  });

  it('does not take a pre-hash for a password', async () => {
    const hasher = hasherWith();
    const stored = await hasher.hash(PASSWORD);
    expect(await hasher.verify(PASSWORD, stored.slice(stored.indexOf('$2b$')))).toBe(false);
  });

  it('refuses text that cannot be a password', async () => {
    const hasher = hasherWith();
    const imported = hashSync('abc', COST);
    for (const text of ['abc\0def', 'abc\ud800', 'x'.repeat(1025)])
      expect(await jobsOf(hasher, async () => expect(await hasher.verify(text, imported)).toBe(false))).toBe(
        1,
      );
    await expect(hasher.hash('abc\ud800')).rejects.toThrow(TypeError);
  });
});

describe('verify takes the time of a comparison', () => {
  const bcrypt = hashSync(PASSWORD, COST);

  it.each([
    ['no hash', null],
    ['an empty hash', ''],
    ['a word', 'disabled'],
    ['an unknown pepper', `$bcrypt-hmac-sha384$p=00c0ffee${bcrypt}`],
    ['an unknown scheme', `$argon2id$p=0${bcrypt}`],
    ['a cut hash', bcrypt.slice(0, -1)],
    ['a hash with a line end', `${bcrypt}\n`],
    ['an absurd cost', bcrypt.replace('$04$', '$31$')],
    ['a cost below the range', bcrypt.replace('$04$', '$03$')],
    ['the broken $2x$', bcrypt.replace('$2b$', '$2x$')],
    ['a pre-hash under $2y$', `$bcrypt-hmac-sha384$p=0${bcrypt.replace('$2b$', '$2y$')}`],
  ])('with %s', async (_what, stored) => {
    const hasher = hasherWith();
    const compare = jest.spyOn(HashPool.prototype, 'compare');
    expect(await jobsOf(hasher, async () => expect(await hasher.verify(PASSWORD, stored)).toBe(false))).toBe(
      1,
    );
    expect(compare).toHaveBeenCalledWith('', [
      '$2b$04$.....................................................',
    ]);
    compare.mockRestore();
  });

  it('of the configured cost, where the stored hash is cheaper', async () => {
    const compare = jest.spyOn(HashPool.prototype, 'compare');
    expect(await hasherWith({ bcryptCost: 7 }).verify(PASSWORD, bcrypt)).toBe(true);
    const costs = compare.mock.calls[0]![1].map((hash) => Number(hash.slice(4, 6)));
    expect(costs.reduce((rounds, cost) => rounds + 2 ** cost, 0)).toBe(2 ** 7);
    compare.mockRestore();
  });

  it('with a dummy that both engines take for a hash', async () => {
    const dummy = `$2b$10$${'.'.repeat(53)}`;
    for (const pool of [poolWith(), poolWith('bcryptjs')]) {
      await pool.compare('', [dummy]);
      const start = performance.now();
      expect(await pool.compare('', [dummy])).toBe(false);
      expect(performance.now() - start).toBeGreaterThan(10);
    }
  });
});

describe('needsRehash', () => {
  it('is false for a hash made now', async () => {
    const hasher = hasherWith({ peppers: [NEW_PEPPER, OLD_PEPPER] });
    expect(hasher.needsRehash(await hasher.hash(PASSWORD))).toBe(false);
  });

  it.each([
    ['the cost was raised', { peppers: [NEW_PEPPER], bcryptCost: 5 }],
    ['another pepper comes first', { peppers: [OLD_PEPPER, NEW_PEPPER] }],
    ['peppers were given up', {}],
  ])('is true after %s', async (_what, now) => {
    expect(hasherWith(now).needsRehash(await hasherWith({ peppers: [NEW_PEPPER] }).hash(PASSWORD))).toBe(
      true,
    );
  });

  it('is true after the cost was lowered, a first pepper, an import, and for what cannot be read', async () => {
    expect(hasherWith().needsRehash(await hasherWith({ bcryptCost: 5 }).hash(PASSWORD))).toBe(true);
    expect(hasherWith({ peppers: [NEW_PEPPER] }).needsRehash(await hasherWith().hash(PASSWORD))).toBe(true);
    expect(hasherWith().needsRehash(hashSync(PASSWORD, COST))).toBe(true);
    expect(hasherWith().needsRehash('disabled')).toBe(true);
  });
});

describe('the pool', () => {
  it('starts nothing before the first job and at most a thread for each core', async () => {
    const hasher = hasherWith();
    expect([hasher.threads, hasher.queueSize]).toEqual([0, 0]);
    const jobs = 8 * availableParallelism();
    await Promise.all(Array.from({ length: jobs }, () => hasher.hash(PASSWORD)));
    expect(hasher.threads).toBe(availableParallelism());
    expect(await countOf(hasher, 'gatehouse_hash_seconds')).toBe(jobs);
    expect(await countOf(hasher, 'gatehouse_hash_wait_seconds')).toBe(jobs);
  });

  it('answers overloaded with a time to come back when the queue is full, and serves the rest', async () => {
    const hasher = hasherWith();
    const asked = availableParallelism() * (QUEUED_JOBS_PER_THREAD + 1) + 20;
    const results = await Promise.allSettled(
      Array.from({ length: asked }, () => hasher.verify(PASSWORD, null)),
    );
    const refused = results.flatMap((each) => (each.status === 'rejected' ? [each.reason as AppError] : []));
    expect(refused.length).toBeGreaterThanOrEqual(20);
    expect(refused.length).toBeLessThanOrEqual(20 + availableParallelism());
    for (const error of refused) {
      expect(error).toBeInstanceOf(AppError);
      expect(error.key).toBe('overloaded');
      expect([1, 2, 3, 4, 5]).toContain(error.retryAfter);
    }
    expect(await hasher.verify(PASSWORD, await hasher.hash(PASSWORD))).toBe(true);
  });

  it('leaves the event loop and libuv’s threads free', async () => {
    const hasher = hasherWith({ bcryptCost: 10 });
    let pending = true;
    const hashes = Promise.all(Array.from({ length: 16 }, () => hasher.hash(PASSWORD))).then(
      () => (pending = false),
    );
    let turns = 0;
    while (turns < 20) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      await lookup('localhost');
      turns += 1;
    }
    expect(pending).toBe(true);
    await hashes;
  });

  it('makes interchangeable hashes natively and in JavaScript', async () => {
    const input = 'x'.repeat(64);
    const [native, fallback] = [poolWith(), poolWith('bcryptjs')];
    for (const [maker, checker] of [[native, fallback] as const, [fallback, native] as const]) {
      const hash = await maker.hash(input, COST);
      expect(hash).toMatch(/^\$2b\$04\$[./A-Za-z0-9]{53}$/);
      expect(compareSync(input, hash)).toBe(true);
      expect(await checker.compare(input, [hash])).toBe(true);
      expect(await checker.compare(`${input}y`, [hash])).toBe(false);
    }
  });

  it('survives the death of its threads', async () => {
    const pool = poolWith();
    await pool.hash(PASSWORD, COST);
    const { threads } = (pool as unknown as { pool: { threads: Worker[] } }).pool;
    const jobs = Array.from({ length: 8 }, () => pool.hash(PASSWORD, 10));
    await Promise.all(threads.map((thread) => thread.terminate()));
    const results = await Promise.allSettled(jobs);
    expect(results[0]).toMatchObject({ status: 'rejected', reason: { key: 'unavailable' } });
    expect(await pool.hash(PASSWORD, COST)).toMatch(/^\$2b\$04\$/);
  });

  it('leaves nobody waiting when its threads cannot start', async () => {
    const report = jest.fn();
    const pool = poolWithoutWorker(report);
    const results = await Promise.allSettled(Array.from({ length: 8 }, () => pool.hash(PASSWORD, COST)));
    for (const result of results)
      expect(result).toMatchObject({ status: 'rejected', reason: { key: 'unavailable' } });
    expect(pool.queueSize).toBe(0);
    // Those that waited did not each try to start them again.
    expect(report).toHaveBeenCalledTimes(1);
  });

  it('leaves nobody waiting when it is closed', async () => {
    const pool = poolWith();
    const results = Promise.allSettled(Array.from({ length: 8 }, () => pool.hash(PASSWORD, 10)));
    await until(() => pool.queueSize > 0);
    await pool.close();
    expect((await results).at(-1)).toMatchObject({ status: 'rejected', reason: { key: 'unavailable' } });
    expect(pool.queueSize).toBe(0);
  });

  it('refuses work after the shutdown, and shuts down twice', async () => {
    const hasher = hasherWith();
    await hasher.hash(PASSWORD);
    await hasher.onApplicationShutdown();
    await hasher.onApplicationShutdown();
    await expect(hasher.hash(PASSWORD)).rejects.toMatchObject({ key: 'unavailable' });
  });

  it('keeps passwords out of its errors', async () => {
    const error = await poolWith()
      .hash(PASSWORD, 99)
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ key: 'unavailable' });
    expect((error as Error).cause).toMatchObject({ message: expect.stringContaining('99') });
    expect(
      JSON.stringify([String(error), (error as Error).stack, String((error as Error).cause)]),
    ).not.toContain(PASSWORD);
  });
});

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 1));
}
