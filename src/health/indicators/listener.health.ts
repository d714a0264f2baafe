import { Injectable } from '@nestjs/common';
import { HealthIndicatorService } from '@nestjs/terminus';
import { Notifications } from '../../database/notifications';

@Injectable()
export class ListenerHealth {
  constructor(
    private readonly indicators: HealthIndicatorService,
    private readonly notifications: Notifications,
  ) {}

  /**
   * Degraded, not down, while it cannot hear other replicas: each session is then looked up in the database, which is
   * slower and just as right. A service without LISTEN on all replicas must not become one without replicas.
   */
  listener() {
    const check = this.indicators.check('listener');
    return this.notifications.isListening ? check.up() : check.degraded();
  }
}
