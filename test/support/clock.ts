import { Clock } from '../../src/common/clock';

/** Real time plus what a test adds to it, whatever the database says. */
export class MovableClock extends Clock {
  private offset = 0;

  override now(): Date {
    return new Date(Date.now() + this.offset);
  }

  override follow(): void {}

  advance(milliseconds: number): void {
    this.offset += milliseconds;
  }
}

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
