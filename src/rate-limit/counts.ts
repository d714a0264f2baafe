import { RateLimiterRedis } from 'rate-limiter-flexible';
import type { SharedStore } from './shared-store';
import { Windows, type WindowCount } from './windows';

export interface Count extends WindowCount {
  /** Counted by all replicas together; false while each counts for itself although they should not. */
  isShared: boolean;
}

/** The durations and points of the library's limiter are not used: each count brings its own. */
const UNUSED = { points: 1, duration: 1 };

/**
 * Counts requests in windows that begin with their first request. With a shared store its count is the count, and the
 * memory of the process follows it, so that a process whose store goes away counts on from where all of them were.
 */
export class Counts {
  private readonly memory = new Windows();
  private readonly shared?: RateLimiterRedis;

  constructor(private readonly store?: SharedStore) {
    if (store)
      this.shared = new RateLimiterRedis({ ...UNUSED, keyPrefix: 'gatehouse', storeClient: store.redis });
  }

  /**
   * Counts one request more; at once where there is nobody to ask.
   *
   * @param limit beyond which the shared store need not be asked any more
   */
  add(key: string, seconds: number, limit: number): Count | Promise<Count> {
    if (!this.shared) return { ...this.memory.add(key, seconds), isShared: true };
    const known = this.memory.find(key);
    // Refused by what all replicas had counted already: a flood stays here.
    return known && known.hits > limit ? { ...known, isShared: true } : this.addShared(key, seconds);
  }

  private async addShared(key: string, seconds: number): Promise<Count> {
    const counted = await this.store!.ask(() => this.shared!.penalty(key, 1, { customDuration: seconds }));
    if (!counted) return { ...this.memory.add(key, seconds), isShared: false };
    const count = { hits: counted.consumedPoints, msLeft: counted.msBeforeNext };
    this.memory.set(key, count);
    return { ...count, isShared: true };
  }
}
