/** Requests counted in a window that begins with the first of them. */
export interface WindowCount {
  hits: number;
  /** Milliseconds until the window ends. */
  msLeft: number;
}

interface Window {
  hits: number;
  /** Of `performance.now()`. */
  endsAt: number;
}

/** Windows are swept when there are so many, and from then on whenever their number has doubled. */
const FEWEST_TO_SWEEP = 1_000;

/**
 * Counts in the memory of this process. Without a promise, unlike the library that counts in Redis: each request is counted
 * before anything else, and of what that cost most was the waiting.
 */
export class Windows {
  private readonly windows = new Map<string, Window>();
  private sweepAt = FEWEST_TO_SWEEP;

  /** Counts one request more, in the running window or in a new one of so many seconds. */
  add(key: string, seconds: number): WindowCount {
    const now = performance.now();
    const window = this.running(key, now) ?? this.begin(key, now + seconds * 1_000);
    window.hits += 1;
    return { hits: window.hits, msLeft: window.endsAt - now };
  }

  /** The running window; undefined where there is none. */
  find(key: string): WindowCount | undefined {
    const now = performance.now();
    const window = this.running(key, now);
    return window && { hits: window.hits, msLeft: window.endsAt - now };
  }

  /** Follows somebody who counts better. */
  set(key: string, { hits, msLeft }: WindowCount): void {
    this.begin(key, performance.now() + msLeft).hits = hits;
  }

  private running(key: string, now: number): Window | undefined {
    const window = this.windows.get(key);
    return window && window.endsAt > now ? window : undefined;
  }

  private begin(key: string, endsAt: number): Window {
    const window = { hits: 0, endsAt };
    this.windows.set(key, window);
    if (this.windows.size >= this.sweepAt) this.sweep();
    return window;
  }

  /** Costs each window a step or two over its life, and needs no timer. */
  private sweep(): void {
    const now = performance.now();
    for (const [key, { endsAt }] of this.windows) if (endsAt <= now) this.windows.delete(key);
    this.sweepAt = Math.max(FEWEST_TO_SWEEP, this.windows.size * 2);
  }
}
