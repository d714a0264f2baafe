// Not './schema.js': the compiler leaves .d.ts files where they are, and this path leads there from src and from dist.
import type { components } from '../src/schema.js';

/** The codes of the service's catalogue, and `unreachable` of the client: there was no answer, or not the service's. */
export type ErrorCode = components['schemas']['ErrorCode'] | 'unreachable';

/** One broken rule of one field. */
export type FieldProblem = components['schemas']['FieldProblem'];

/** What went wrong (RFC 9457). `code` is for programs and never changes, `detail` is for people. */
export interface Problem extends Omit<components['schemas']['Problem'], 'code'> {
  code: ErrorCode;
  /** Seconds to wait before trying again, where the service says so. */
  retryAfter?: number;
}

/** `data` or `error`: one of them is always undefined. */
export type Result<Data> = { data: Data; error: undefined } | { data: undefined; error: Problem };

/** What answers in the name of a service that cannot be asked are known to mean. */
const CODES_OF_PROXIES: Record<number, ErrorCode> = {
  413: 'payload_too_large',
  429: 'too_many_requests',
  502: 'unavailable',
  503: 'unavailable',
  504: 'unavailable',
};

/** Status 0, as `fetch` itself has it for a call without an answer. */
export function unreachable(error: unknown, instance: string): Problem {
  return problem('unreachable', 0, titleOf(error), instance);
}

/** For an answer that something between here and the service gave: a proxy, a captive portal, a wrong address. */
export function foreign(response: Response, instance: string): Problem {
  const code = CODES_OF_PROXIES[response.status] ?? 'unreachable';
  return problem(code, response.status, 'The answer did not come from the service', instance);
}

export function unauthenticated(instance: string): Problem {
  return problem('unauthenticated', 401, 'Authentication is required', instance);
}

export function isProblem(value: unknown): value is Problem {
  const { code, status } = (value ?? {}) as Partial<Problem>;
  return typeof code === 'string' && typeof status === 'number';
}

function titleOf(error: unknown): string {
  const { name } = (error ?? {}) as { name?: unknown };
  if (name === 'TimeoutError') return 'There was no answer in time';
  if (name === 'AbortError') return 'The call was cancelled';
  return 'The service cannot be reached';
}

function problem(code: ErrorCode, status: number, title: string, instance: string): Problem {
  return { type: 'about:blank', title, status, detail: title, instance, code, requestId: '' };
}
