import { Injectable } from '@nestjs/common';

/** Milliseconds within which two clocks are one. */
const TOLERANCE_MS = 250;

/**
 * The only source of the present time, so that tests can move it. It is the database's, which all replicas share: what one
 * of them calls expired has expired for each. Between two readings it runs on by itself, whatever becomes of the clock of
 * the machine; where there is no database to follow, as in most commands, it begins with that.
 */
@Injectable()
export class Clock {
  /** Milliseconds since the epoch at the zero of the process's monotonic clock. */
  private zero = Date.now() - performance.now();

  /** The clock of a machine that is so many milliseconds ahead. */
  static wrongBy(ms: number): Clock {
    const clock = new Clock();
    clock.zero += ms;
    return clock;
  }

  now(): Date {
    return new Date(this.zero + performance.now());
  }

  /**
   * Follows another clock. A reading says nothing finer than half the time that it took.
   *
   * @param reading milliseconds since the epoch
   * @param askedAt of `performance.now()`
   */
  follow(reading: number, askedAt: number): void {
    const heardAt = performance.now();
    const difference = reading - (this.zero + (askedAt + heardAt) / 2);
    if (Math.abs(difference) > TOLERANCE_MS + (heardAt - askedAt) / 2) this.zero += difference;
  }
}
