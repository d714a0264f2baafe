import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Histogram, Registry } from 'prom-client';

/** Milliseconds between two measurements; libuv takes them, no JavaScript runs for it. */
const RESOLUTION = 10;
/** Milliseconds between two looks at the measurements. */
const PERIOD = 100;
/** Milliseconds. Under a flood of logins the loop stays below (bench/FLOOD.md). */
const HIGH_LAG = 50;

/**
 * How late the event loop is. It counts as lagging when the mean delay of two periods in a row is high: one long pause,
 * such as a garbage collection, is over when it is noticed, and refusing anybody would not make up for it.
 */
@Injectable()
export class EventLoopLag implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly delay = monitorEventLoopDelay({ resolution: RESOLUTION });
  private readonly worst: Histogram;
  private timer?: NodeJS.Timeout;
  private wasHigh = false;
  private isLagging = false;

  constructor(registry: Registry) {
    this.worst = new Histogram({
      name: 'gatehouse_event_loop_lag_seconds',
      help: 'Longest delay of the event loop in each tenth of a second',
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
      registers: [registry],
    });
  }

  /** Kept up to date by a timer, so that asking costs nothing. */
  get isHigh(): boolean {
    return this.isLagging;
  }

  onApplicationBootstrap(): void {
    this.delay.enable();
    this.timer = setInterval(() => this.look(), PERIOD).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
    this.delay.disable();
  }

  private look(): void {
    // Nothing measured: the first turn after a pause, in which this timer came first.
    if (this.delay.count === 0) return;
    const isHigh = delayIn(this.delay.mean) >= HIGH_LAG;
    this.worst.observe(delayIn(this.delay.max) / 1000);
    this.delay.reset();
    this.isLagging = isHigh && this.wasHigh;
    this.wasHigh = isHigh;
  }
}

/** Milliseconds of delay in a measurement, which is the time between two turns in nanoseconds. */
function delayIn(nanoseconds: number): number {
  return Math.max(0, nanoseconds / 1e6 - RESOLUTION);
}
