import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { AppError } from '../common/errors/app-error';
import { entryOf, type ErrorKey } from '../common/errors/catalogue';
import { PROBLEM_TYPE, problemOf } from '../common/errors/problem';
import { StartError } from '../common/errors/start-error';
import { HTTP_LIMITS, limitsOfServer } from '../common/http/limits';
import { requestIdOf } from '../common/http/request-id';
import { safeHeaders } from '../common/http/security-headers';
import { Config } from '../config/config';
import { MetricsService } from './metrics.service';

/** Connections at a time. A few Prometheus servers need one each. */
const CONNECTIONS = 64;

/**
 * Serves /metrics, and nothing else, on METRICS_PORT: a port that the outside need not reach. It stays until the very end
 * of a shutdown, whose course one wants to see, and a flood on the other port does not keep anybody from reading it.
 */
@Injectable()
export class MetricsServer implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(MetricsServer.name);
  private readonly headers: Record<string, string>;
  private server?: Server;

  constructor(
    private readonly config: Config,
    private readonly metrics: MetricsService,
  ) {
    this.headers = safeHeaders(config.http);
  }

  /** Undefined where METRICS_PORT is not set. Where that is 0 the system has chosen. */
  get port(): number | undefined {
    return (this.server?.address() as AddressInfo | null | undefined)?.port;
  }

  /** @throws StartError where it cannot listen */
  async onApplicationBootstrap(): Promise<void> {
    const { http, metrics } = this.config;
    if (metrics.port === undefined) return;
    const { http: limits, requestTimeout, keepAliveTimeout } = limitsOfServer(HTTP_LIMITS);
    const options = { ...limits, requestTimeout, keepAliveTimeout };
    const server = createServer(options, (request, response) => void this.answer(request, response));
    server.maxConnections = CONNECTIONS;
    server.listen(metrics.port, http.host);
    await once(server, 'listening').catch((error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'it is in use' : error.message;
      throw new StartError(`METRICS_PORT ${metrics.port} cannot be listened on: ${why}`, { cause: error });
    });
    this.server = server;
    this.logger.log({ event: 'metrics.listening', port: this.port, msg: 'metrics are at /metrics' });
  }

  onApplicationShutdown(): void {
    this.server?.close();
    this.server?.closeAllConnections();
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const requestId = requestIdOf(request);
    const headers = { ...this.headers, 'X-Request-Id': requestId };
    const refuse = (key: ErrorKey, more: Record<string, string> = {}) => {
      response.writeHead(entryOf(key).status, { ...headers, ...more, 'Content-Type': PROBLEM_TYPE });
      response.end(JSON.stringify(problemOf(new AppError(key), 'unknown', requestId)));
    };
    if (request.url?.split('?')[0] !== '/metrics') return refuse('not_found');
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return refuse('method_not_allowed', { Allow: 'GET, HEAD' });
    try {
      const text = await this.metrics.read();
      response.writeHead(200, { ...headers, 'Content-Type': this.metrics.contentType });
      response.end(text);
    } catch (err) {
      this.logger.error({ event: 'request.failed', requestId, err, msg: 'the metrics could not be read' });
      refuse('internal_error');
    }
  }
}
