import perfHooks, { type EventLoopMonitorOptions, type PerformanceObserverCallback } from 'node:perf_hooks';
import { Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { PROJECT } from '../common/project';
import { Config } from '../config/config';

/** What runs here, and what prom-client knows of the process: CPU, memory, file descriptors, garbage collection. */
@Injectable()
export class ProcessMetrics implements OnModuleInit, OnApplicationShutdown {
  private readonly isRead: boolean;
  private stop = () => {};

  constructor(
    { metrics }: Config,
    private readonly registry: Registry,
  ) {
    this.isRead = metrics.port !== undefined || metrics.token !== undefined;
    new Gauge({
      name: 'gatehouse_build_info',
      help: 'Always 1; the version of the service is in the label',
      labelNames: ['version'],
      registers: [registry],
    }).set({ version: PROJECT.version }, 1);
  }

  onModuleInit(): void {
    // To observe each garbage collection costs something, and is for nothing where nobody can ask.
    if (this.isRead) this.stop = collectStoppable(this.registry);
  }

  onApplicationShutdown(): void {
    this.stop();
  }
}

/**
 * prom-client's own metrics, and what ends them. It has no such thing itself: the observers it starts would keep the whole
 * application in memory for as long as the process lives, and a process of tests starts hundreds. So note is taken of
 * them while they are made, at once and by nobody else.
 */
function collectStoppable(registry: Registry): () => void {
  const { PerformanceObserver, monitorEventLoopDelay } = perfHooks;
  const ends: (() => void)[] = [];
  Object.assign(perfHooks, {
    PerformanceObserver: class extends PerformanceObserver {
      constructor(callback: PerformanceObserverCallback) {
        super(callback);
        ends.push(() => this.disconnect());
      }
    },
    monitorEventLoopDelay: (options?: EventLoopMonitorOptions) => {
      const histogram = monitorEventLoopDelay(options);
      ends.push(() => histogram.disable());
      return histogram;
    },
  });
  try {
    collectDefaultMetrics({ register: registry });
  } finally {
    Object.assign(perfHooks, { PerformanceObserver, monitorEventLoopDelay });
  }
  return () => ends.forEach((end) => end());
}
