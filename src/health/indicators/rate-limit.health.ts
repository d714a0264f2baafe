import { Injectable } from '@nestjs/common';
import { HealthIndicatorService } from '@nestjs/terminus';
import { RateLimitService } from '../../rate-limit/rate-limit.service';

@Injectable()
export class RateLimitHealth {
  constructor(
    private readonly indicators: HealthIndicatorService,
    private readonly limits: RateLimitService,
  ) {}

  get isConfigured(): boolean {
    return this.limits.isShared;
  }

  /** Degraded, not down, while Redis is away: each process counts for itself then. */
  async rateLimits() {
    const check = this.indicators.check('rateLimits');
    return (await this.limits.ping()) ? check.up() : check.degraded();
  }
}
