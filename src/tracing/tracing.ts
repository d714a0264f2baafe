import type { FastifyInstance } from 'fastify';
import { areTracesWanted } from '../config/tracing';

/** What runs while traces are sent. */
export interface Tracing {
  /** Names the request under way: by the pattern of its route, since an address may carry a token. */
  nameRequest(method: string, route: string): void;
  /** Of what is under way; undefined outside of requests. */
  current(): { trace_id: string; span_id: string } | undefined;
  /** Sends what has not been sent yet. */
  end(): Promise<void>;
}

let tracing: Tracing | undefined;

/**
 * Starts OpenTelemetry where its variables ask for traces; without them none of it is loaded. To be called before
 * anything loads `http` or `pg`.
 */
export function startTracing(): void {
  if (!areTracesWanted()) return;
  try {
    const { startOpenTelemetry } = require('./opentelemetry') as typeof import('./opentelemetry');
    tracing = startOpenTelemetry();
  } catch (error) {
    if (!isPackageMissing(error)) throw error;
    process.emitWarning(
      'OTEL_EXPORTER_OTLP_ENDPOINT asks for traces, but the optional packages @opentelemetry/* are not installed: there are none',
    );
  }
}

/** Names the traces of requests. */
export function nameTraces(fastify: FastifyInstance): void {
  const { nameRequest } = tracing ?? {};
  if (!nameRequest) return;
  fastify.addHook('onRequest', (request, _reply, done) => {
    const { url } = request.routeOptions;
    if (url !== undefined) nameRequest(request.method, url);
    done();
  });
}

/** For each line of the log; undefined where nothing is traced, so that a line costs nothing more. */
export function traceOfLine(): (() => object) | undefined {
  const { current } = tracing ?? {};
  return current && (() => current() ?? {});
}

export async function endTracing(): Promise<void> {
  await tracing?.end();
}

function isPackageMissing(error: unknown): boolean {
  const { code, message = '' } = error as NodeJS.ErrnoException;
  return code === 'MODULE_NOT_FOUND' && message.includes("'@opentelemetry/");
}
