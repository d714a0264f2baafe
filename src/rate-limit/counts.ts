import { RateLimiterMemory, RateLimiterRedis, type RateLimiterRes } from 'rate-limiter-flexible';
import type { SharedStore } from './shared-store';

export interface Count {
  /** Requests in the current window, this one included. */
  hits: number;
  /** Milliseconds until the window ends. */
  msLeft: number;
  /** Counted by all replicas together; false while each counts for itself although they should not. */
  isShared: boolean;
}

/** The durations and points of the library's limiters are not used: each count brings its own. */
const UNUSED = { points: 1, duration: 1 };

/**
 * Counts requests in windows that begin with their first request. With a shared store its count is the count, and the
 * memory of the process follows it, so that a process whose store goes away counts on from where all of them were.
 */
export class Counts {
  private readonly memory = new RateLimiterMemory({ ...UNUSED, keyPrefix: '' });
  private readonly shared?: RateLimiterRedis;

  constructor(private readonly store?: SharedStore) {
    if (store)
      this.shared = new RateLimiterRedis({ ...UNUSED, keyPrefix: 'gatehouse', storeClient: store.redis });
  }

  /** @param limit beyond which the shared store need not be asked any more */
  async add(key: string, seconds: number, limit: number): Promise<Count> {
    const { shared, store } = this;
    if (!shared || !store) return this.addHere(key, seconds, true);
    const known = await this.memory.get(key);
    // Refused by what all replicas had counted already: a flood stays here.
    if (known && known.consumedPoints > limit && known.msBeforeNext > 0) return countOf(known, true);
    const counted = await store.ask(() => shared.penalty(key, 1, { customDuration: seconds }));
    if (!counted) return this.addHere(key, seconds, false);
    await this.memory.set(key, counted.consumedPoints, counted.msBeforeNext / 1000);
    return countOf(counted, true);
  }

  private async addHere(key: string, seconds: number, isShared: boolean): Promise<Count> {
    return countOf(await this.memory.penalty(key, 1, { customDuration: seconds }), isShared);
  }
}

function countOf({ consumedPoints, msBeforeNext }: RateLimiterRes, isShared: boolean): Count {
  return { hits: consumedPoints, msLeft: msBeforeNext, isShared };
}
