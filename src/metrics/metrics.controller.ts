import { Controller, Get, Header, UseGuards } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Registry } from 'prom-client';
import { Public } from '../common/access/public.decorator';
import { ApiProblems } from '../common/errors/api-problems.decorator';
import { MetricsService } from './metrics.service';
import { MetricsTokenGuard } from './metrics-token.guard';

/** There is no such route where METRICS_TOKEN is not set. Public to the guards of sessions: it has a token of its own. */
@Public()
@UseGuards(MetricsTokenGuard)
@ApiTags('Operations')
@Controller('metrics')
export class MetricsController {
  constructor(private readonly metrics: MetricsService) {}

  @Get()
  @Header('Content-Type', Registry.PROMETHEUS_CONTENT_TYPE)
  @ApiOperation({
    summary: 'Metrics for Prometheus',
    description:
      'Only where `METRICS_TOKEN` is set, which is the bearer token that opens it; 404 otherwise. ' +
      'With `METRICS_PORT` they are on a port of their own.',
  })
  @ApiOkResponse({ content: { 'text/plain': { schema: { type: 'string' } } } })
  @ApiProblems('unauthenticated', 'token_invalid', 'not_found')
  read(): Promise<string> {
    return this.metrics.read();
  }
}
