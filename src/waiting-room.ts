import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { AppError } from './common/errors/app-error';
import { PROBLEM_TYPE, problemOf } from './common/errors/problem';
import { requestIdOf } from './common/http/request-id';
import { safeHeaders } from './common/http/security-headers';
import type { HttpConfig } from './config/config';

/** Answers while the application cannot start yet: alive, not ready, and 503 to everything else. */
export class WaitingRoom {
  private constructor(private readonly server: Server) {}

  static async open(http: HttpConfig): Promise<WaitingRoom> {
    const headers = safeHeaders(http);
    const server = createServer((request, response) => answer(request, response, headers));
    server.listen(http.port, http.host);
    await once(server, 'listening');
    return new WaitingRoom(server);
  }

  async close(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    this.server.closeAllConnections();
    await closed;
  }
}

function answer(request: IncomingMessage, response: ServerResponse, headers: Record<string, string>): void {
  const requestId = requestIdOf(request);
  const path = request.url?.split('?')[0];
  const [status, type, body] =
    path === '/health/live'
      ? [200, 'application/json; charset=utf-8', health('ok')]
      : path === '/health/ready' || path === '/health'
        ? [503, 'application/json; charset=utf-8', health('error')]
        : [503, PROBLEM_TYPE, problemOf(new AppError('unavailable'), 'unknown', requestId)];
  response.writeHead(status, {
    ...headers,
    'Content-Type': type,
    'Cache-Control': 'no-store',
    'X-Request-Id': requestId,
    Connection: 'close',
    ...(status === 503 ? { 'Retry-After': '2' } : {}),
  });
  response.end(JSON.stringify(body));
}

/** The document of @nestjs/terminus, as the application will answer. */
function health(status: 'ok' | 'error'): object {
  const down = { database: { status: 'down', message: 'not reachable' } };
  return status === 'ok'
    ? { status, info: {}, error: {}, details: {} }
    : { status, info: {}, error: down, details: down };
}
