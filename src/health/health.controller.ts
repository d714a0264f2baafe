import { Controller, Get, HttpException, Res } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiServiceUnavailableResponse, ApiTags } from '@nestjs/swagger';
import { HealthCheckService, type HealthCheckResult, type HealthIndicatorFunction } from '@nestjs/terminus';
import type { FastifyReply } from 'fastify';
import { ListenerHealth } from './indicators/listener.health';
import { Public } from '../common/access/public.decorator';
import { HealthResponse } from './dto/health.response';
import { DatabaseHealth } from './indicators/database.health';
import { RateLimitHealth } from './indicators/rate-limit.health';
import { MailQueueHealth } from './indicators/mail-queue.health';
import { Readiness } from './readiness';

@Public()
@ApiTags('Operations')
@Controller('health')
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly databaseHealth: DatabaseHealth,
    private readonly mailQueueHealth: MailQueueHealth,
    private readonly rateLimitHealth: RateLimitHealth,
    private readonly listenerHealth: ListenerHealth,
    private readonly readiness: Readiness,
  ) {}

  @Get()
  @ApiOperation({ summary: 'Health of the service and its neighbours' })
  @ApiOkResponse({ type: HealthResponse })
  @ApiServiceUnavailableResponse({ type: HealthResponse })
  all(@Res({ passthrough: true }) reply: FastifyReply): Promise<HealthCheckResult> {
    return this.answer(reply, [
      () => this.databaseHealth.database(),
      () => this.databaseHealth.migrations(),
      () => this.listenerHealth.listener(),
      () => this.mailQueueHealth.mailQueue(),
      ...(this.rateLimitHealth.isConfigured ? [() => this.rateLimitHealth.rateLimits()] : []),
    ]);
  }

  @Get('live')
  @ApiOperation({
    summary: 'Liveness probe',
    description: 'Touches no dependency: a restart would not mend one.',
  })
  @ApiOkResponse({ type: HealthResponse })
  live(@Res({ passthrough: true }) reply: FastifyReply): Promise<HealthCheckResult> {
    return this.answer(reply, []);
  }

  @Get('ready')
  @ApiOperation({ summary: 'Readiness probe', description: 'Whether requests should be sent here.' })
  @ApiOkResponse({ type: HealthResponse })
  @ApiServiceUnavailableResponse({ type: HealthResponse })
  ready(@Res({ passthrough: true }) reply: FastifyReply): Promise<HealthCheckResult> {
    if (this.readiness.isDraining) return Promise.resolve(this.shuttingDown(reply));
    return this.answer(reply, this.readiness.checks());
  }

  /** Says so before anything is refused, so that nobody is sent here any more. */
  private shuttingDown(reply: FastifyReply): HealthCheckResult {
    void reply.status(503).header('Cache-Control', 'no-store');
    return { status: 'shutting_down', info: {}, error: {}, details: {} };
  }

  /** Probes read Terminus' own document, in health and in sickness, not a problem document. */
  private async answer(reply: FastifyReply, checks: HealthIndicatorFunction[]): Promise<HealthCheckResult> {
    reply.header('Cache-Control', 'no-store');
    try {
      return await this.health.check(checks);
    } catch (error) {
      if (!(error instanceof HttpException)) throw error;
      reply.status(error.getStatus());
      return error.getResponse() as HealthCheckResult;
    }
  }
}
