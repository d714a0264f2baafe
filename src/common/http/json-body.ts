import type { FastifyInstance } from 'fastify';
import { AppError } from '../errors/app-error';

/** Largest accepted body in bytes; beyond it the answer is 413. */
export const BODY_LIMIT = 100 * 1024;
/** No body of this API nests deeper than three; recursion over untrusted depth overflows the stack. */
const MAX_DEPTH = 32;

/**
 * Accepts `application/json` with a JSON object and nothing else: any other media type is 415, anything that does not
 * parse is 400 without an echo of the body. An empty body counts as an empty object, so that routes without one work
 * with clients that always announce JSON.
 */
export function acceptOnlyJson(fastify: FastifyInstance): void {
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
    try {
      done(null, parseObject(body as string));
    } catch (error) {
      done(error as Error);
    }
  });
}

function parseObject(text: string): object {
  if (text.trim() === '') return {};
  const body = parse(text);
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new AppError('malformed_request', { detail: 'The body must be a JSON object' });
  refuseHostileShapes(body);
  return body;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // The parser's own message quotes the body, passwords included.
    throw new AppError('malformed_json');
  }
}

/** Walks without recursion: depth is what is being bounded. Keys that reach a prototype are no data (CWE-1321). */
function refuseHostileShapes(body: object): void {
  const waiting: [node: object, depth: number][] = [[body, 1]];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const [node, depth] = next;
    if (depth > MAX_DEPTH) throw new AppError('malformed_json', { detail: 'The body is nested too deeply' });
    for (const [key, value] of Object.entries(node)) {
      if (key === '__proto__') throw new AppError('malformed_json');
      if (typeof value === 'object' && value !== null) waiting.push([value as object, depth + 1]);
    }
  }
}
