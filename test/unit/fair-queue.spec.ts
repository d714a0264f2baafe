import { array, assert, constantFrom, integer, oneof, property } from 'fast-check';
import { FairQueue } from '../../src/common/load/fair-queue';

const MINUTE = 60_000;

const queueOf = (room: number, ...items: string[]) => {
  const queue = new FairQueue<string>(room);
  for (const item of items) expect(queue.push(item[0]!, item)).toBeUndefined();
  return queue;
};

const served = (queue: FairQueue<string>) => {
  const items: string[] = [];
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) items.push(next);
  return items;
};

describe('the fair queue', () => {
  it('serves the keys in turn and the items of each in their order', () => {
    expect(served(queueOf(9, 'a1', 'a2', 'a3', 'a4', 'b1', 'c1', 'b2'))).toEqual([
      'a1',
      'b1',
      'c1',
      'a2',
      'b2',
      'a3',
      'a4',
    ]);
  });

  it('lets one key fill it while no other wants in', () => {
    const queue = queueOf(3, 'a1', 'a2', 'a3');
    expect(queue.push('a', 'a4')).toBe('a4');
    expect(served(queue)).toEqual(['a1', 'a2', 'a3']);
  });

  it('makes room for another key by the newest item of the one that holds most', () => {
    const queue = queueOf(4, 'b1', 'a1', 'a2', 'a3');
    expect(queue.push('c', 'c1')).toBe('a3');
    expect(served(queue)).toEqual(['b1', 'a1', 'c1', 'a2']);
  });

  it('turns a newcomer away that would then hold more than any other: nobody is pushed out in circles', () => {
    const queue = queueOf(4, 'a1', 'a2', 'b1', 'b2');
    expect(queue.push('c', 'c1')).toBe('b2');
    expect(queue.push('c', 'c2')).toBe('c2');
    expect(queue.push('b', 'b3')).toBe('b3');
    const strangers = queueOf(2, 'a1', 'b1');
    expect(strangers.push('c', 'c1')).toBe('c1');
  });

  describe('remembers who was served while it was full', () => {
    beforeEach(() => jest.useFakeTimers({ now: 0 }));
    afterEach(() => jest.useRealTimers());

    /** Both have been served once. */
    const crowded = () => {
      const queue = queueOf(2, 'a1', 'b1');
      for (const next of ['a2', 'b2']) {
        queue.shift();
        expect(queue.push(next[0]!, next)).toBeUndefined();
      }
      return queue;
    };

    it('and lets a fresh key in before them, and first', () => {
      const queue = crowded();
      expect(queue.isFullFor('c')).toBe(false);
      expect(queue.push('c', 'c1')).toBe('b2');
      expect(queue.shift()).toBe('c1');
    });

    it('for 5 to 10 minutes', () => {
      const queue = crowded();
      jest.advanceTimersByTime(5 * MINUTE);
      expect(queue.isFullFor('c')).toBe(false);
      jest.advanceTimersByTime(5 * MINUTE);
      expect(queue.isFullFor('c')).toBe(true);
    });

    it('and holds nothing against those served in quiet times', () => {
      const queue = queueOf(3, 'a1', 'b1');
      queue.shift();
      queue.shift();
      for (const item of ['a2', 'b2', 'a3']) queue.push(item[0]!, item);
      expect(queue.push('b', 'b3')).toBe('b3');
      expect(queue.push('c', 'c1')).toBe('a3');
      expect(queue.push('d', 'd1')).toBe('d1');
    });
  });

  it('forgets an item that is taken back, once', () => {
    const queue = queueOf(2, 'a1', 'a2');
    expect([queue.remove('a', 'a1'), queue.remove('a', 'a1'), queue.remove('x', 'a2')]).toEqual([
      true,
      false,
      false,
    ]);
    expect(queue.push('a', 'a3')).toBeUndefined();
    expect(served(queue)).toEqual(['a2', 'a3']);
  });

  it('gives back all that wait when it is drained', () => {
    const queue = queueOf(3, 'a1', 'b1', 'a2');
    expect(queue.drain().sort()).toEqual(['a1', 'a2', 'b1']);
    expect([queue.size, queue.shift()]).toEqual([0, undefined]);
  });

  it('holds its promises in any order of events', () => {
    const events = array(
      oneof({ weight: 3, arbitrary: constantFrom(...KEYS) }, constantFrom('shift', 'remove')),
    );
    assert(
      property(integer({ min: 1, max: 6 }), events, (room, given) => {
        expect(brokenPromises(room, given)).toEqual([]);
      }),
    );
  });
});

const KEYS = ['a', 'b', 'c', 'd'];

/** Plays the events, of which a key is a newcomer, beside a model that only knows who waits. */
function brokenPromises(room: number, events: string[]): string[] {
  const queue = new FairQueue<string>(room);
  const waiting = new Set<string>();
  const broken: string[] = [];
  const promise = (text: string, isKept: boolean) => isKept || broken.push(text);
  const held = (key: string) => [...waiting].filter((item) => item.startsWith(key)).length;

  const leave = (item: string | undefined) =>
    promise('serves whoever waits', item === undefined ? waiting.size === 0 : waiting.delete(item));
  const takeBack = ([first] = [...waiting]) =>
    first && promise('takes back what waits', queue.remove(first[0]!, first) && waiting.delete(first));
  const arrive = (item: string) => {
    const key = item[0]!;
    const isAnnouncedFull = queue.isFullFor(key);
    const loser = queue.push(key, item);
    promise('does as it announces', (loser === item) === isAnnouncedFull);
    if (loser === item) return promise('turns away only when it is full', waiting.size === room);
    waiting.add(item);
    if (loser === undefined) return;
    promise('displaces only when it is full', waiting.size === room + 1);
    promise('displaces what waits, never of the own key', loser[0] !== key && waiting.delete(loser));
  };

  for (const [number, event] of events.entries()) {
    if (event === 'shift') leave(queue.shift());
    else if (event === 'remove') takeBack();
    else arrive(`${event}${number}`);
    promise('counts right and keeps its bounds', queue.size === waiting.size && queue.size <= room);
  }
  const rest = served(queue);
  promise('loses nobody', rest.length === waiting.size && rest.every((item) => waiting.has(item)));
  promise(
    'knows of nobody else',
    KEYS.every((key) => held(key) <= room),
  );
  return broken;
}
