import { Module, type DynamicModule } from '@nestjs/common';
import type { Config } from '../config/config';
import { DatabaseMetrics } from './database-metrics';
import { MailQueueMetrics } from './mail-queue-metrics';
import { MetricsController } from './metrics.controller';
import { MetricsServer } from './metrics.server';
import { MetricsService } from './metrics.service';
import { ProcessMetrics } from './process-metrics';

/** What infrastructure tells of itself, and where all metrics are read. Features register theirs themselves. */
@Module({})
export class MetricsModule {
  static with({ metrics }: Config): DynamicModule {
    return {
      module: MetricsModule,
      controllers: metrics.token === undefined ? [] : [MetricsController],
      providers: [MetricsService, MetricsServer, ProcessMetrics, DatabaseMetrics, MailQueueMetrics],
    };
  }
}
