import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

const PERIOD_MS = 100;
/** Refusals in a period from which on they are spread over the next milliseconds. */
const MANY = 50;
/** From which on each of them is held back. */
const TOO_MANY = 200;
const HOLD_MS = 20;
/** Short of the 50 ms in which a refusal is to be there. */
const LONGEST_MS = 34;

/**
 * Slows down those who come again as soon as they are refused, or all at once after the same pause. Each of them waits for
 * its answer before it asks again, so holding the answer back for a moment, which costs nothing, keeps a few hundred of
 * them from taking a whole core, and holding it back for a random time keeps them from marching in step.
 */
export class RefusalPace {
  private period = 0;
  private count = 0;
  private countBefore = 0;

  /** To be awaited before a refusal is sent: at once, up to 34 ms at 500 a second and more, 20 to 34 ms from 2,000 on. */
  async next(): Promise<void> {
    const period = Math.floor(performance.now() / PERIOD_MS);
    if (period !== this.period) {
      this.countBefore = period === this.period + 1 ? this.count : 0;
      this.period = period;
      this.count = 0;
    }
    this.count += 1;
    const rate = Math.max(this.count, this.countBefore);
    if (rate > MANY) await sleep(randomInt(rate > TOO_MANY ? HOLD_MS : 0, LONGEST_MS));
  }
}
