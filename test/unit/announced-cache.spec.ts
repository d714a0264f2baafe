import type { EntityManager } from 'typeorm';
import { AnnouncedCache } from '../../src/database/announced-cache';
import type { AfterCommit } from '../../src/database/after-commit';
import type { Notifications } from '../../src/database/notifications';

/** Every order of events in which a cache could go on telling what is not true any more. */
describe('a cache of rows', () => {
  interface Row {
    id: string;
    name: string;
  }
  const OLD: Row = { id: 'a', name: 'old' };
  const NEW: Row = { id: 'a', name: 'new' };
  const tx = {} as EntityManager;

  let cache: AnnouncedCache<Row>;
  let sent: string[];
  let hear: (payload: string) => void;
  let listen: (isListening: boolean) => void;
  let commit: () => void;

  beforeEach(() => {
    sent = [];
    const notifications = {
      listen: (_channel: string, onMessage: typeof hear, onState: typeof listen) => {
        [hear, listen] = [onMessage, onState];
        return Promise.resolve();
      },
      notify: (_channel: string, payload: string) => Promise.resolve(void sent.push(payload)),
    } as unknown as Notifications;
    const afterCommit = {
      do: (_tx: unknown, action: () => void) => (commit = action),
    } as unknown as AfterCommit;
    cache = new AnnouncedCache<Row>({ channel: 'rows', max: 100 }, notifications, afterCommit);
    cache.onApplicationBootstrap();
    listen(true);
  });

  it('keeps what was read', () => {
    cache.keep(OLD, cache.beginReading());
    expect(cache.find('a')).toBe(OLD);
    expect(cache.find('b')).toBeUndefined();
  });

  it('keeps what a transaction has written when it is committed, unless it changed meanwhile', () => {
    cache.keepAtCommit(OLD, cache.beginReading(), tx);
    expect(cache.find('a')).toBeUndefined();
    commit();
    expect(cache.find('a')).toBe(OLD);
    cache.keepAtCommit(NEW, cache.beginReading(), tx);
    hear('a');
    commit();
    expect(cache.find('a')).toBeUndefined();
  });

  it('forgets what it has when a change is announced, here or elsewhere', async () => {
    cache.keep(OLD, cache.beginReading());
    await cache.announce(['a'], tx);
    expect(cache.find('a')).toBeUndefined();
    cache.keep(OLD, cache.beginReading());
    hear('b,a');
    expect(cache.find('a')).toBeUndefined();
  });

  it('does not keep what was read before a change that has been committed since', () => {
    const before = cache.beginReading();
    hear('a');
    cache.keep(OLD, before);
    expect(cache.find('a')).toBeUndefined();
    cache.keep(NEW, cache.beginReading());
    expect(cache.find('a')).toBe(NEW);
  });

  it('forgets at the commit what was read between announcement and commit', async () => {
    await cache.announce(['a'], tx);
    const between = cache.beginReading();
    cache.keep(OLD, between);
    commit();
    expect(cache.find('a')).toBeUndefined();
    // Read before the commit, and there only after it.
    cache.keep(OLD, between);
    expect(cache.find('a')).toBeUndefined();
  });

  it('minds only changes of the row itself', () => {
    const before = cache.beginReading();
    hear('b');
    cache.keep(OLD, before);
    expect(cache.find('a')).toBe(OLD);
  });

  it('minds changes of which there were too many to remember', () => {
    const before = cache.beginReading();
    hear('a');
    for (let change = 0; change < 20_000; change++) hear(`other${change}`);
    cache.keep(OLD, before);
    expect(cache.find('a')).toBeUndefined();
    const now = cache.beginReading();
    cache.keep(NEW, now);
    expect(cache.find('a')).toBe(NEW);
  });

  it('keeps nothing while changes could be missed, and nothing that was read meanwhile', () => {
    cache.keep(OLD, cache.beginReading());
    const before = cache.beginReading();
    listen(false);
    expect(cache.find('a')).toBeUndefined();
    const meanwhile = cache.beginReading();
    cache.keep(OLD, meanwhile);
    expect(cache.find('a')).toBeUndefined();
    listen(true);
    for (const since of [before, meanwhile]) cache.keep(OLD, since);
    expect(cache.find('a')).toBeUndefined();
    cache.keep(NEW, cache.beginReading());
    expect(cache.find('a')).toBe(NEW);
  });

  it('sends ids in messages that PostgreSQL takes', async () => {
    const ids = Array.from({ length: 450 }, () => crypto.randomUUID());
    await cache.announce(ids, tx);
    expect(sent.map((payload) => payload.split(',').length)).toEqual([200, 200, 50]);
    expect(Math.max(...sent.map((payload) => payload.length))).toBeLessThan(8_000);
    expect(sent.join(',').split(',')).toEqual(ids);
  });
});
