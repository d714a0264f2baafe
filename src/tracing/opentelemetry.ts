import { setTimeout as sleep } from 'node:timers/promises';
import { diag, DiagLogLevel, trace, type Context } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { PgInstrumentation } from '@opentelemetry/instrumentation-pg';
import { detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import {
  BatchSpanProcessor,
  NodeTracerProvider,
  type ReadableSpan,
  type Span,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace-node';
import { PROJECT } from '../common/project';
import { Throttle } from '../common/throttle';
import type { Tracing } from './tracing';

/** Milliseconds for the last traces to be sent when the process stops. */
const END_MS = 2_000;

/** Asked for so often that nothing else would be seen. */
const UNTRACED = ['/health', '/metrics'];

/**
 * What may leave. The instrumentations note down more: addresses with one-time tokens, queries, clients, headers, and in
 * messages of errors whatever a client has sent.
 */
const KEPT = new Set([
  'http.request.method',
  'http.route',
  'http.response.status_code',
  'network.protocol.version',
  'error.type',
  'db.system.name',
  'db.namespace',
  // With $1 in place of values.
  'db.query.text',
]);

/** Loaded only where traces are wanted: see `startTracing`. OpenTelemetry reads its variables itself. */
export function startOpenTelemetry(): Tracing {
  diag.setLogger(seldom(), { logLevel: DiagLogLevel.ERROR, suppressOverrideMessage: true });
  const provider = new NodeTracerProvider({
    resource: resourceFromAttributes({
      'service.name': PROJECT.name,
      'service.version': PROJECT.version,
    }).merge(detectResources({ detectors: [envDetector] })),
    spanProcessors: [new Discreet(new BatchSpanProcessor(new OTLPTraceExporter()))],
  });
  provider.register();
  registerInstrumentations({
    tracerProvider: provider,
    instrumentations: [
      new HttpInstrumentation({
        disableOutgoingRequestInstrumentation: true,
        ignoreIncomingRequestHook: ({ url = '' }) => UNTRACED.some((path) => url.startsWith(path)),
      }),
      // The job queue looks for work all the time: only statements of requests are of interest.
      new PgInstrumentation({ requireParentSpan: true }),
    ],
  });
  return {
    nameRequest(method, route) {
      trace.getActiveSpan()?.setAttribute('http.route', route).updateName(`${method} ${route}`);
    },
    current() {
      const context = trace.getActiveSpan()?.spanContext();
      return context && { trace_id: context.traceId, span_id: context.spanId };
    },
    async end() {
      await Promise.race([
        provider.shutdown().catch(() => undefined),
        sleep(END_MS, undefined, { ref: false }),
      ]);
    },
  };
}

/** Takes out of spans whatever is not on the list, before they are sent. */
class Discreet implements SpanProcessor {
  constructor(private readonly next: SpanProcessor) {}

  onStart(span: Span, context: Context): void {
    this.next.onStart(span, context);
  }

  onEnd(span: ReadableSpan): void {
    for (const name of Object.keys(span.attributes)) if (!KEPT.has(name)) delete span.attributes[name];
    delete span.status.message;
    span.events.length = 0;
    this.next.onEnd(span);
  }

  forceFlush(): Promise<void> {
    return this.next.forceFlush();
  }

  shutdown(): Promise<void> {
    return this.next.shutdown();
  }
}

/** Tells the log of errors of OpenTelemetry, once a minute. */
function seldom() {
  const throttle = new Throttle();
  const quiet = () => {};
  const error = (text: string) => {
    const suppressed = throttle.pass('traces');
    if (suppressed === undefined) return;
    // Loaded at the first error: by then all that is to be traced has been loaded.
    const { Logger } = require('@nestjs/common') as typeof import('@nestjs/common');
    const msg = 'OpenTelemetry met an error: traces are missing';
    new Logger('Tracing').warn({ event: 'traces.failed', reason: reasonOf(text), suppressed, msg });
  };
  return { error, warn: quiet, info: quiet, debug: quiet, verbose: quiet };
}

/** An error comes as JSON, with its stack and the answer of the collector beside the message. */
function reasonOf(text: string): string {
  try {
    return String((JSON.parse(text) as { message?: unknown }).message).slice(0, 200);
  } catch {
    return text.slice(0, 200);
  }
}
