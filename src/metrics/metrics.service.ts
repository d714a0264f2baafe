import { Injectable } from '@nestjs/common';
import { Registry } from 'prom-client';

/** The metrics of this process as Prometheus reads them. */
@Injectable()
export class MetricsService {
  private reading?: Promise<string>;

  constructor(private readonly registry: Registry) {}

  get contentType(): string {
    return this.registry.contentType;
  }

  /** Answers within 2 seconds. Who asks while somebody is being answered gets the same: asking often costs little. */
  read(): Promise<string> {
    return (this.reading ??= this.registry.metrics().finally(() => (this.reading = undefined)));
  }
}
