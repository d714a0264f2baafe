import { Injectable } from '@nestjs/common';
import { HealthCheckService, type HealthIndicatorFunction } from '@nestjs/terminus';
import { Registry } from 'prom-client';
import { registerGauge } from '../common/gauge';
import { Lifecycle } from '../common/lifecycle';
import { DatabaseHealth } from './indicators/database.health';
import { ListenerHealth } from './indicators/listener.health';

/** Whether requests should be sent here: what the readiness probe says, and the metric with it. */
@Injectable()
export class Readiness {
  constructor(
    private readonly health: HealthCheckService,
    private readonly databaseHealth: DatabaseHealth,
    private readonly listenerHealth: ListenerHealth,
    private readonly lifecycle: Lifecycle,
    registry: Registry,
  ) {
    registerGauge(
      registry,
      'gatehouse_ready',
      '1 while requests should be sent here, as the readiness probe says',
      async () => Number(await this.isReady()),
    );
  }

  get isDraining(): boolean {
    return this.lifecycle.isDraining;
  }

  checks(): HealthIndicatorFunction[] {
    return [
      () => this.databaseHealth.database(),
      () => this.databaseHealth.migrations(),
      () => this.listenerHealth.listener(),
    ];
  }

  private async isReady(): Promise<boolean> {
    if (this.isDraining) return false;
    return this.health.check(this.checks()).then(
      () => true,
      () => false,
    );
  }
}
