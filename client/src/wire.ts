import { foreign, isProblem, unreachable, type Problem } from './problem.js';

/** What a call is known by besides its request. */
export interface Route {
  /** As in the OpenAPI document, with `{…}`. */
  path: string;
  parseAs: string;
}

export interface Reply {
  response: Response;
  /** There is one unless the answer is of use. */
  problem?: Problem | undefined;
}

/** The one place that calls `fetch`. Whatever the server and the network do becomes a reply. */
export class Wire {
  constructor(private readonly fetch: (request: Request) => Promise<Response>) {}

  async send(request: Request, route: Route): Promise<Reply> {
    try {
      const response = await this.fetch(request);
      return response.ok ? await readAnswer(response, route) : await readProblem(response, route);
    } catch (error) {
      return noAnswer(error, route);
    }
  }
}

export function noAnswer(error: unknown, { path }: Route): Reply {
  return { response: answer('', { status: 0 }, false), problem: unreachable(error, path) };
}

/** For openapi-fetch, which takes an empty error for none and throws on JSON that is none. */
export function toResponse({ response, problem }: Reply): Response {
  if (!problem) return response;
  const { status, statusText, url } = response;
  const headers = new Headers(response.headers);
  headers.set('Content-Type', 'application/problem+json');
  return answer(JSON.stringify(problem), { status, statusText, url, headers }, false);
}

/** The body is read here already, where a connection that breaks in the middle of it is not yet an exception. */
async function readAnswer(response: Response, route: Route): Promise<Reply> {
  if (route.parseAs !== 'json' || response.status === 204) return { response };
  const text = await response.text();
  if (text !== '' && parse(text) === undefined) return { response, problem: foreign(response, route.path) };
  return { response: answer(text, response, true) };
}

async function readProblem(response: Response, route: Route): Promise<Reply> {
  const content = parse(await response.text());
  const problem = isProblem(content) ? content : foreign(response, route.path);
  const retryAfter = secondsUntil(response.headers.get('Retry-After'));
  const requestId = problem.requestId || (response.headers.get('X-Request-Id') ?? '');
  return {
    response,
    problem: { ...problem, requestId, ...(retryAfter === undefined ? {} : { retryAfter }) },
  };
}

interface Meta {
  status: number;
  statusText?: string;
  url?: string;
  headers?: Headers;
}

/** A `Response` of any status, 0 included; the constructor knows only some, and no address. */
function answer(body: string, meta: Meta, ok: boolean): Response {
  const headers = new Headers(meta.headers);
  // They are about the bytes of the original.
  for (const name of ['Content-Length', 'Content-Encoding']) headers.delete(name);
  return Object.defineProperties(new Response(body, { headers }), {
    status: { value: meta.status },
    statusText: { value: meta.statusText ?? '' },
    ok: { value: ok },
    url: { value: meta.url ?? '' },
  });
}

/** Undefined where it is no JSON. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Retry-After is a number of seconds or a date (RFC 9110 §10.2.3). */
function secondsUntil(header: string | null): number | undefined {
  if (header === null) return undefined;
  const seconds = /^\d+$/.test(header) ? Number(header) : (Date.parse(header) - Date.now()) / 1000;
  return Number.isNaN(seconds) ? undefined : Math.max(0, Math.ceil(seconds));
}
