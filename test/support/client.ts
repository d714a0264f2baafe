import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

type Fetch = typeof globalThis.fetch;

/** What a client sends, as `POST /api/auth/login`. */
export interface Recorded {
  fetch: Fetch;
  calls: string[];
  count(call: string): number;
}

export function recording(send: Fetch = (input, init) => globalThis.fetch(input, init)): Recorded {
  const calls: string[] = [];
  return {
    calls,
    count: (call) => calls.filter((made) => made === call).length,
    fetch: (input, init) => {
      const { method, url } = input as Request;
      calls.push(`${method} ${new URL(url).pathname}`);
      return send(input, init);
    },
  };
}

/** A browser's share of the cookie transport, for one origin. */
export function cookieJar(send: Fetch = (input, init) => globalThis.fetch(input, init)) {
  const cookies = new Map<string, string>();
  const fetch: Fetch = async (input) => {
    const request = new Request(input);
    if (request.credentials === 'include' && cookies.size > 0)
      request.headers.set('Cookie', [...cookies].map(([name, value]) => `${name}=${value}`).join('; '));
    const response = await send(request);
    for (const line of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)!;
      if (value === '') cookies.delete(name!);
      else cookies.set(name!, value!);
    }
    return response;
  };
  return { fetch, cookies };
}

/** What pages keep things in. The methods may be replaced by failing ones. */
export class FakeStorage {
  readonly items = new Map<string, string>();
  getItem = (key: string): string | null => this.items.get(key) ?? null;
  setItem = (key: string, value: string): void => void this.items.set(key, value);
  removeItem = (key: string): void => void this.items.delete(key);

  /** Makes it what `localStorage` is, until `jest.restoreAllMocks` or the end of the file. */
  static install(): FakeStorage {
    const storage = new FakeStorage();
    Object.defineProperty(globalThis, 'localStorage', { value: storage, configurable: true, writable: true });
    return storage;
  }
}

/** A service that answers as a test wants, however odd. */
export class OddServer {
  readonly calls: string[] = [];

  private constructor(
    readonly baseUrl: string,
    readonly close: () => Promise<void>,
  ) {}

  static async start(
    answer: (call: string, response: ServerResponse, request: IncomingMessage) => unknown,
  ): Promise<OddServer> {
    const server = createServer((request, response) => {
      const call = `${request.method} ${request.url}`;
      odd.calls.push(call);
      request.resume();
      answer(call, response, request);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const odd: OddServer = new OddServer(`http://127.0.0.1:${port}`, async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    });
    return odd;
  }

  count(call: string): number {
    return this.calls.filter((made) => made === call).length;
  }
}

export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'Content-Type': 'application/json', ...headers }).end(JSON.stringify(body));
}

export function sendProblem(
  response: ServerResponse,
  status: number,
  code: string,
  headers: Record<string, string> = {},
): void {
  const problem = {
    type: 'about:blank',
    title: code,
    status,
    detail: code,
    instance: '/',
    code,
    requestId: 'r',
  };
  sendJson(response, status, problem, { 'Content-Type': 'application/problem+json', ...headers });
}

export async function eventually(isSo: () => boolean, patience = 5000): Promise<void> {
  const deadline = Date.now() + patience;
  while (!isSo()) {
    if (Date.now() > deadline) throw new Error('it did not come about');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
