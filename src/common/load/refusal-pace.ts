import { setTimeout as sleep } from 'node:timers/promises';

const PERIOD_MS = 100;
/** Refusals in a period from which on they are held back. */
const MANY = 200;
/** Short of the 50 ms in which a refusal is to be there. */
const HOLD_MS = 30;

/**
 * Slows down those who come again as soon as they are refused. Each of them waits for its answer before it asks again, so
 * holding the answer back for a moment, which costs nothing, keeps a few hundred of them from taking a whole core.
 */
export class RefusalPace {
  private period = 0;
  private count = 0;
  private countBefore = 0;

  /** To be awaited before a refusal is sent: at once, or after 30 ms where there are more than 2,000 a second. */
  async next(): Promise<void> {
    const period = Math.floor(performance.now() / PERIOD_MS);
    if (period !== this.period) {
      this.countBefore = period === this.period + 1 ? this.count : 0;
      this.period = period;
      this.count = 0;
    }
    this.count += 1;
    if (Math.max(this.count, this.countBefore) > MANY) await sleep(HOLD_MS);
  }
}
