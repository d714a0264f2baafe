import type { Metric, Registry } from 'prom-client';

export type Labels = Record<'route' | 'method' | 'status', string>;

/** Seconds. A read from memory takes less than the first, a password a quarter of a second and its place in the queue. */
const BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

const NAME = 'gatehouse_http_request_duration_seconds';

/** How long requests took that have these labels. */
export class Times {
  /** How many lay between the bound before and this one; the last: beyond all of them. */
  readonly counts = BOUNDS.map(() => 0).concat(0);
  sum = 0;

  constructor(readonly labels: Labels) {}

  add(seconds: number): void {
    let index = 0;
    while (index < BOUNDS.length && seconds > BOUNDS[index]!) index += 1;
    this.counts[index]! += 1;
    this.sum += seconds;
  }
}

/** A histogram whose series are filled without a look at their labels; see `RequestMetrics` for why. */
export class RouteTimes {
  private readonly series = new Map<string, Times>();

  constructor(registry: Registry) {
    const metric = {
      name: NAME,
      help: 'Time from the last header line of a request to the end of its answer, by class of status',
      type: 'histogram',
      aggregator: 'sum',
      labelNames: ['route', 'method', 'status'],
      get: () => Promise.resolve({ ...metric, values: [...this.series.values()].flatMap(samplesOf) }),
      reset: () => this.series.clear(),
    };
    // A registry asks no more of its metrics.
    registry.registerMetric(metric as unknown as Metric);
  }

  of(labels: Labels): Times {
    const key = Object.values(labels).join(' ');
    const times = this.series.get(key) ?? new Times(labels);
    this.series.set(key, times);
    return times;
  }
}

/** As Prometheus wants them: each bucket counts those of the smaller ones too. */
function samplesOf({ labels, counts, sum }: Times) {
  let count = 0;
  const buckets = counts.map((more, index) => ({
    metricName: `${NAME}_bucket`,
    labels: { ...labels, le: BOUNDS[index] ?? '+Inf' },
    value: (count += more),
  }));
  return [
    ...buckets,
    { metricName: `${NAME}_sum`, labels, value: sum },
    { metricName: `${NAME}_count`, labels, value: count },
  ];
}
