const WINDOW_MS = 60_000;

/** Lets the first of many like messages through, and then one a minute: an outage must not fill the log. */
export class Throttle {
  private readonly windows = new Map<string, { since: number; suppressed: number }>();

  /** How many of this key were held back since the last one that passed; undefined where this one is held back too. */
  pass(key: string): number | undefined {
    const window = this.windows.get(key);
    const now = performance.now();
    if (window && now - window.since < WINDOW_MS) {
      window.suppressed++;
      return undefined;
    }
    this.windows.set(key, { since: now, suppressed: 0 });
    return window?.suppressed ?? 0;
  }
}
