import { Controller, Get, HttpException, Res } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiServiceUnavailableResponse, ApiTags } from '@nestjs/swagger';
import { HealthCheckService, type HealthCheckResult, type HealthIndicatorFunction } from '@nestjs/terminus';
import type { FastifyReply } from 'fastify';
import { Public } from '../common/access/public.decorator';
import { HealthResponse } from './dto/health.response';
import { DatabaseHealth } from './indicators/database.health';
import { MailQueueHealth } from './indicators/mail-queue.health';

@Public()
@ApiTags('Operations')
@Controller('health')
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly databaseHealth: DatabaseHealth,
    private readonly mailQueueHealth: MailQueueHealth,
  ) {}

  @Get()
  @ApiOperation({ summary: 'Health of the service and its neighbours' })
  @ApiOkResponse({ type: HealthResponse })
  @ApiServiceUnavailableResponse({ type: HealthResponse })
  all(@Res({ passthrough: true }) reply: FastifyReply): Promise<HealthCheckResult> {
    return this.answer(reply, [
      () => this.databaseHealth.database(),
      () => this.databaseHealth.migrations(),
      () => this.mailQueueHealth.mailQueue(),
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
    return this.answer(reply, [() => this.databaseHealth.database(), () => this.databaseHealth.migrations()]);
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
