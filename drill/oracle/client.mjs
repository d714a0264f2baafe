import { Agent, request } from 'node:http';
import { PATIENCE_MS } from '../settings.mjs';

/** Less than the proxy's own patience with an idle connection, so that it is we who part. */
const IDLE_MS = 10_000;

/**
 * Sends requests and never throws: whatever happens is an answer.
 *
 * `status` is 0 where there was none, `code` then that of the socket. Of a problem document `code` is its code, and
 * `isWellFormed` whether it is one, with `Retry-After` where it is a 503.
 */
export class Client {
  agent = new Agent({ keepAlive: true, maxSockets: 500, timeout: IDLE_MS });

  constructor(port) {
    this.port = port;
  }

  send(method, path, { token, body, patienceMs = PATIENCE_MS } = {}) {
    const startedAt = performance.now();
    const text = body === undefined ? undefined : JSON.stringify(body);
    const headers = {
      'User-Agent': 'Drill/1.0',
      ...(token ? { Authorization: `Bearer ${token}` } : {}),
      ...(text ? { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) } : {}),
    };
    return new Promise((resolve) => {
      const finish = (answer) => {
        clearTimeout(timer);
        const at = performance.now();
        resolve({ method, path, startedAt, at, ms: at - startedAt, ...answer });
      };
      const options = { port: this.port, host: '127.0.0.1', method, path, headers, agent: this.agent };
      const sent = request(options, (response) => {
        let received = '';
        response.setEncoding('utf8').on('data', (chunk) => (received += chunk));
        response.on('end', () => finish(judge(response, received)));
        response.on('error', ({ code }) => finish({ status: 0, code }));
      });
      const timer = setTimeout(
        () => sent.destroy(Object.assign(new Error(), { code: 'no answer' })),
        patienceMs,
      );
      sent.on('error', ({ code }) => finish({ status: 0, code }));
      sent.end(text);
    });
  }
}

function judge({ statusCode: status, headers }, text) {
  const isJson = /\bjson\b/.test(headers['content-type'] ?? '');
  const body = isJson && text ? JSON.parse(text) : undefined;
  if (status < 400) return { status, body };
  const isProblem =
    headers['content-type']?.startsWith('application/problem+json') && body?.code !== undefined;
  return {
    status,
    body,
    code: body?.code ?? 'by the proxy',
    isWellFormed: isProblem && (status !== 503 || Number(headers['retry-after']) > 0),
  };
}
