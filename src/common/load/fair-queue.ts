/** Milliseconds. What a key was served counts against it for one to two of them. */
const MEMORY = 300_000;

/**
 * A bounded queue that shares itself out between keys. A key's share is what it has waiting and what it was served
 * lately while the queue was full. Who was served least comes first; when the queue is full, a newcomer takes the place
 * of the newest item of the key with the largest share, as long as its own key then has no larger one. So a key can fill
 * the queue only while no other wants in, and a crowd of keys that come again and again cannot keep a fresh one out.
 */
export class FairQueue<Item> {
  /** By key, the items of each in the order of their arrival. A key that was served goes to the end. */
  private readonly waiting = new Map<string, Set<Item>>();
  private readonly served = new RecentCounts(MEMORY);
  private count = 0;
  /** The key to take from. Looked for again only after a change: while the queue is full, every newcomer asks. */
  private largest?: { key: string; share: number; period: number };

  /** @param room items that may wait */
  constructor(private readonly room: number) {}

  get size(): number {
    return this.count;
  }

  /** Whether a newcomer of this key would be turned away. */
  isFullFor(key: string): boolean {
    // Strictly less, after the exchange at most as much: keys of equal share do not push each other out in circles.
    return this.count >= this.room && this.shareOf(key) + 1 >= this.findLargest().share;
  }

  /** @returns what is to be turned away for it: nothing, the item that had to make room, or the newcomer itself */
  push(key: string, item: Item): Item | undefined {
    if (this.isFullFor(key)) return item;
    const displaced = this.count < this.room ? undefined : this.dropNewest(this.findLargest().key);
    const own = this.waiting.get(key) ?? new Set();
    this.waiting.set(key, own.add(item));
    this.count += 1;
    this.largest = undefined;
    return displaced;
  }

  /** The next item: of the key that was served least; of several of the one whose turn is longest ago. */
  shift(): Item | undefined {
    const key = this.leastServed();
    const items = this.waiting.get(key);
    const [next] = items ?? [];
    if (!items || next === undefined) return undefined;
    // Only then: in quiet times nobody takes anything from anybody.
    if (this.count >= this.room) this.served.add(key);
    this.remove(key, next);
    if (this.waiting.delete(key)) this.waiting.set(key, items);
    return next;
  }

  /** Whether it was still waiting. */
  remove(key: string, item: Item): boolean {
    const items = this.waiting.get(key);
    if (!items?.delete(item)) return false;
    if (items.size === 0) this.waiting.delete(key);
    this.count -= 1;
    this.largest = undefined;
    return true;
  }

  /** All that wait, which then wait no more. */
  drain(): Item[] {
    const items = [...this.waiting.values()].flatMap((each) => [...each]);
    this.waiting.clear();
    this.count = 0;
    this.largest = undefined;
    return items;
  }

  private shareOf(key: string): number {
    return (this.waiting.get(key)?.size ?? 0) + this.served.of(key);
  }

  /** Of several the one that is served last. */
  private findLargest(): { key: string; share: number } {
    const period = this.served.period();
    if (this.largest?.period === period) return this.largest;
    let largest = { key: '', share: 0, period };
    for (const key of this.waiting.keys()) {
      const share = this.shareOf(key);
      if (share >= largest.share) largest = { key, share, period };
    }
    return (this.largest = largest);
  }

  private leastServed(): string {
    let [least, fewest] = ['', Infinity];
    for (const key of this.waiting.keys()) {
      const served = this.served.of(key);
      if (served < fewest) [least, fewest] = [key, served];
    }
    return least;
  }

  private dropNewest(key: string): Item | undefined {
    const newest = [...(this.waiting.get(key) ?? [])].at(-1);
    if (newest !== undefined) this.remove(key, newest);
    return newest;
  }
}

/** Counts that are forgotten: those of the running period and of the one before it are known. */
class RecentCounts {
  private running = new Map<string, number>();
  private before = new Map<string, number>();
  private current = 0;

  /** @param length of a period in milliseconds */
  constructor(private readonly length: number) {}

  /** The number of the running period. */
  period(): number {
    const now = Math.floor(performance.now() / this.length);
    if (now === this.current) return now;
    this.before = now === this.current + 1 ? this.running : new Map();
    this.running = new Map();
    return (this.current = now);
  }

  of(key: string): number {
    this.period();
    return (this.running.get(key) ?? 0) + (this.before.get(key) ?? 0);
  }

  add(key: string): void {
    this.period();
    this.running.set(key, (this.running.get(key) ?? 0) + 1);
  }
}
