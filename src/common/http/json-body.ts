import { isUtf8 } from 'node:buffer';
import type { FastifyInstance } from 'fastify';
import { AppError } from '../errors/app-error';

/** No body of this API nests deeper than three; recursion over untrusted depth overflows the stack. */
const MAX_DEPTH = 32;
/** Members of objects and elements of arrays, all levels together. No body of this API has more than a dozen. */
const MAX_MEMBERS = 1000;

/**
 * Accepts `application/json` with a JSON object and nothing else: any other media type is 415, anything that does not
 * parse is 400 without an echo of the body. An empty body counts as an empty object, so that routes without one work
 * with clients that always announce JSON. Of a name that is repeated the last value counts, and it alone is validated
 * (RFC 8259 §4 leaves it open; only one parser ever sees the body).
 */
export function acceptOnlyJson(fastify: FastifyInstance): void {
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => {
    try {
      done(null, parseObject(body as Buffer));
    } catch (error) {
      done(error as Error);
    }
  });
}

function parseObject(bytes: Buffer): object {
  // Decoding would turn every wrong byte into U+FFFD: different passwords would become one (RFC 8259 §8.1).
  if (!isUtf8(bytes)) throw new AppError('malformed_json', { detail: 'The body is not UTF-8' });
  const text = bytes.toString();
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
  let members = 0;
  const waiting: [node: object, depth: number][] = [[body, 1]];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const [node, depth] = next;
    if (depth > MAX_DEPTH) throw new AppError('malformed_json', { detail: 'The body is nested too deeply' });
    if (Object.hasOwn(node, '__proto__')) throw new AppError('malformed_json');
    const values: unknown[] = Array.isArray(node) ? node : Object.values(node);
    members += values.length;
    if (members > MAX_MEMBERS)
      throw new AppError('malformed_json', { detail: 'The body has too many members' });
    for (const value of values)
      if (typeof value === 'object' && value !== null) waiting.push([value, depth + 1]);
  }
  // The validation looks names up in plain objects and takes these for known ones, or drops them without a word.
  const strange = Object.keys(body).find((key) => key in Object.prototype || key === 'prototype');
  if (strange !== undefined)
    throw AppError.invalid(strange, 'unknown_field', 'is not a field of this request');
}
