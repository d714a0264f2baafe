import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:net';
import {
  createClient,
  memoryStore,
  type ClientOptions,
  type EndReason,
  type Gatehouse,
  type StoredSession,
} from '../../client/src/index';
import { OddServer, sendJson, sendProblem } from '../support/client';

const PROFILE = '/api/auth/profile';
const GET_PROFILE = `GET ${PROFILE}`;
const REFRESH = 'POST /api/auth/refresh';
const CSRF = 'GET /api/auth/csrf';

type AnswerTo = (call: string, response: ServerResponse, request: IncomingMessage) => unknown;

/** What stands between a client and the service, or in its place. */
describe('the client and the network', () => {
  const servers: OddServer[] = [];
  const clients: Gatehouse[] = [];

  afterEach(async () => {
    for (const client of clients.splice(0)) client.close();
    for (const server of servers.splice(0)) await server.close();
  });

  const serve = async (answer: AnswerTo) => {
    const server = await OddServer.start(answer);
    servers.push(server);
    return server;
  };

  let count = 0;
  const tokens = () => ({
    access_token: `access${++count}`,
    token_type: 'Bearer',
    expires_in: 900,
    refresh_token: `refresh${count}`,
    user: { id: 'ada' },
  });

  /** A client that holds a session, of which it does not know that it is worthless. */
  const open = (baseUrl: string, options: ClientOptions = {}) => {
    let stored: StoredSession | null = {
      userId: 'ada',
      startedAt: 0,
      accessToken: 'access0',
      refreshToken: 'refresh0',
      expiresAt: Date.now() + 900_000,
    };
    const store = { load: () => stored, save: (session: StoredSession | null) => void (stored = session) };
    const gatehouse = createClient({ baseUrl, store, ...options });
    clients.push(gatehouse);
    const endings: EndReason[] = [];
    gatehouse.on('ended', ({ reason }) => void endings.push(reason));
    return { gatehouse, endings, stored: () => stored };
  };

  describe('never goes round in circles', () => {
    it('where the service refuses every token', async () => {
      const server = await serve((call, response) =>
        call === REFRESH ? sendJson(response, 200, tokens()) : sendProblem(response, 401, 'token_expired'),
      );
      const { gatehouse, endings } = open(server.baseUrl);
      expect((await gatehouse.api.GET(PROFILE)).error?.code).toBe('token_expired');
      expect(server.calls).toEqual([GET_PROFILE, REFRESH, GET_PROFILE]);
      expect(endings).toEqual([]);
    });

    it('where it refuses the refresh token too', async () => {
      const server = await serve((_, response) => sendProblem(response, 401, 'token_expired'));
      const { gatehouse, endings, stored } = open(server.baseUrl);
      expect((await gatehouse.api.GET(PROFILE)).error?.code).toBe('token_expired');
      expect((await gatehouse.api.GET(PROFILE)).error?.code).toBe('token_expired');
      expect(server.calls).toEqual([GET_PROFILE, REFRESH, GET_PROFILE]);
      expect([endings, stored()]).toEqual([['token_expired'], null]);
    });

    it('where new tokens have run out already', async () => {
      const server = await serve((call, response) =>
        call === REFRESH
          ? sendJson(response, 200, { ...tokens(), expires_in: 0 })
          : sendProblem(response, 401, 'token_expired'),
      );
      const { gatehouse } = open(server.baseUrl);
      await gatehouse.api.GET(PROFILE);
      expect(server.calls).toEqual([GET_PROFILE, REFRESH, GET_PROFILE]);
      await gatehouse.api.GET(PROFILE);
      expect(server.calls.slice(3)).toEqual([REFRESH, GET_PROFILE]);
    });

    it('where it believes no CSRF token', async () => {
      const server = await serve((call, response) =>
        call === CSRF
          ? sendJson(response, 200, { csrfToken: 'x' })
          : sendProblem(response, 403, 'csrf_failed'),
      );
      const { gatehouse } = open(server.baseUrl, { transport: 'cookie' });
      const { error } = await gatehouse.api.PUT(PROFILE, { body: { name: 'Ada' } });
      expect(error?.code).toBe('csrf_failed');
      expect(server.calls).toEqual([CSRF, `PUT ${PROFILE}`, CSRF, `PUT ${PROFILE}`]);
    });

    it('where it is busy for ever', async () => {
      const server = await serve((_, response) =>
        sendProblem(response, 503, 'overloaded', { 'Retry-After': '0' }),
      );
      const { gatehouse } = open(server.baseUrl);
      await gatehouse.api.GET(PROFILE);
      expect(server.calls).toEqual([GET_PROFILE, GET_PROFILE]);
    });
  });

  describe('Retry-After', () => {
    const busyOnce = (status: number, code: string, retryAfter: string): AnswerTo => {
      let isBusy = true;
      return (_, response) => {
        if (isBusy) sendProblem(response, status, code, { 'Retry-After': retryAfter });
        else sendJson(response, 200, { id: 'ada' });
        isBusy = false;
      };
    };

    it.each([
      [429, 'too_many_requests'],
      [503, 'overloaded'],
    ])('of %i: a reading call waits and is made again', async (status, code) => {
      const server = await serve(busyOnce(status, code, '1'));
      const begin = Date.now();
      const { data } = await open(server.baseUrl).gatehouse.api.GET(PROFILE);
      expect(data?.id).toBe('ada');
      expect(Date.now() - begin).toBeGreaterThanOrEqual(990);
      expect(server.calls).toHaveLength(2);
    });

    it('as a date is understood', async () => {
      const date = new Date(Date.now() + 2000).toUTCString();
      const server = await serve(busyOnce(503, 'unavailable', date));
      expect((await open(server.baseUrl).gatehouse.api.GET(PROFILE)).data?.id).toBe('ada');
    });

    it('leaves a writing call to the caller, and says how long', async () => {
      const server = await serve(busyOnce(429, 'too_many_requests', '1'));
      const { error } = await open(server.baseUrl).gatehouse.api.PUT(PROFILE, { body: { name: 'Ada' } });
      expect(error).toMatchObject({ code: 'too_many_requests', retryAfter: 1 });
      expect(server.calls).toHaveLength(1);
    });

    it.each([
      ['more than 5 seconds', '6', {}],
      ['more than the application allows', '1', { patienceSeconds: 0 }],
    ])('of %s is not waited for', async (_, retryAfter, options) => {
      const server = await serve(busyOnce(503, 'overloaded', retryAfter));
      const { error } = await open(server.baseUrl, options).gatehouse.api.GET(PROFILE);
      expect(error?.retryAfter).toBe(Number(retryAfter));
      expect(server.calls).toHaveLength(1);
    });

    it('is waited for no longer than the call is wanted', async () => {
      const server = await serve(busyOnce(503, 'overloaded', '5'));
      const begin = Date.now();
      const signal = AbortSignal.timeout(200);
      const { error } = await open(server.baseUrl).gatehouse.api.GET(PROFILE, { signal });
      expect(error?.code).toBe('unreachable');
      expect(Date.now() - begin).toBeLessThan(2000);
    });

    it('of a renewal is waited for by the call that needs it', async () => {
      let isBusy = true;
      const server = await serve((call, response, request) => {
        if (call === REFRESH && isBusy) {
          isBusy = false;
          sendProblem(response, 503, 'unavailable', { 'Retry-After': '1' });
        } else if (call === REFRESH) sendJson(response, 200, tokens());
        else if (request.headers.authorization === 'Bearer access0')
          sendProblem(response, 401, 'token_expired');
        else sendJson(response, 200, { id: 'ada' });
      });
      const { gatehouse } = open(server.baseUrl);
      expect((await gatehouse.api.GET(PROFILE)).data?.id).toBe('ada');
      expect(server.count(REFRESH)).toBe(2);
    });
  });

  describe('without an answer of the service', () => {
    /** A port where nobody listens. */
    const nowhere = () =>
      new Promise<string>((resolve) => {
        const server = createServer().listen(0, '127.0.0.1', () => {
          const { port } = server.address() as { port: number };
          server.close(() => resolve(`http://127.0.0.1:${port}`));
        });
      });

    it('every method has a problem instead of an exception', async () => {
      const baseUrl = await nowhere();
      const answers = async ({ gatehouse }: ReturnType<typeof open>) => [
        await gatehouse.api.GET(PROFILE),
        await gatehouse.api.PUT(PROFILE, { body: { name: 'Ada' } }),
        await gatehouse.login({ email: 'ada@example.org', password: 'x' }),
        await gatehouse.register({ email: 'ada@example.org', password: 'x' }),
        await gatehouse.refresh(),
        await gatehouse.logoutEverywhere(),
        await gatehouse.logout(),
      ];
      for (const transport of ['bearer', 'cookie'] as const)
        for (const { data, error } of await answers(open(baseUrl, { transport })))
          expect({ data, ...error }).toMatchObject({ data: undefined, code: 'unreachable', status: 0 });
    });

    it('the session stays', async () => {
      const { gatehouse, endings, stored } = open(await nowhere());
      await gatehouse.api.GET(PROFILE);
      await gatehouse.refresh();
      expect(endings).toEqual([]);
      expect(stored()).not.toBeNull();
      expect(gatehouse.session).not.toBeNull();
    });

    it('calls that wait for one renewal share its failure', async () => {
      const server = await serve((call, response) =>
        call === REFRESH ? response.destroy() : sendProblem(response, 401, 'token_expired'),
      );
      const { gatehouse, endings } = open(server.baseUrl);
      const answers = await Promise.all(Array.from({ length: 20 }, () => gatehouse.api.GET(PROFILE)));
      expect(new Set(answers.map(({ error }) => error?.code))).toEqual(new Set(['unreachable']));
      expect(server.count(REFRESH)).toBeLessThan(5);
      expect(endings).toEqual([]);
    });

    it.each([
      ['in time', () => AbortSignal.timeout(100), 'There was no answer in time'],
      ['any more', () => AbortSignal.abort(), 'The call was cancelled'],
    ])('that is not wanted %s, says so', async (_, signal, title) => {
      const server = await serve(() => undefined);
      const { error } = await open(server.baseUrl).gatehouse.api.GET(PROFILE, { signal: signal() });
      expect(error).toMatchObject({ code: 'unreachable', title });
    });
  });

  describe('odd answers', () => {
    const html = (response: ServerResponse, status: number) =>
      response.writeHead(status, { 'Content-Type': 'text/html' }).end('<h1>Sorry</h1>');

    it.each<[string, AnswerTo, string, number]>([
      ['a page of a proxy', (_, response) => html(response, 502), 'unavailable', 502],
      [
        'an empty one',
        (_, response) => response.writeHead(504, { 'Content-Length': '0' }).end(),
        'unavailable',
        504,
      ],
      ['an upload limit of a proxy', (_, response) => html(response, 413), 'payload_too_large', 413],
      ['a limit of a proxy', (_, response) => html(response, 429), 'too_many_requests', 429],
      ['a login page of a proxy', (_, response) => html(response, 401), 'unreachable', 401],
      ['a page that is not there', (_, response) => html(response, 404), 'unreachable', 404],
      ['a page in place of the answer', (_, response) => html(response, 200), 'unreachable', 200],
      [
        'an error in JSON of something else',
        (_, response) => sendJson(response, 500, {}),
        'unreachable',
        500,
      ],
      ['an error that is null', (_, response) => sendJson(response, 500, null), 'unreachable', 500],
      [
        'half of one',
        (_, response) => response.writeHead(200, { 'Content-Type': 'application/json' }).end('{"id":"a'),
        'unreachable',
        200,
      ],
      [
        'one that breaks off',
        (_, response) => {
          response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': '1000' });
          response.write('{"id":"a', () => setTimeout(() => response.destroy(), 20));
        },
        'unreachable',
        0,
      ],
    ])('%s is a problem too, and no end of the session', async (_, answer, code, status) => {
      const server = await serve(answer);
      const { gatehouse, endings } = open(server.baseUrl);
      const { data, error, response } = await gatehouse.api.GET(PROFILE);
      expect(data).toBeUndefined();
      expect(error).toMatchObject({ code, status, instance: PROFILE });
      expect(response.status).toBe(status);
      expect((await gatehouse.refresh()).error?.code).toBe(code);
      expect((await gatehouse.login({ email: 'ada@example.org', password: 'x' })).error?.code).toBe(code);
      expect(endings).toEqual([]);
    });

    it.each([[{}], [[]], ['text'], [17]])('JSON of something else, %j, is no session', async (body) => {
      const server = await serve((_, response) => sendJson(response, 200, body));
      for (const transport of ['bearer', 'cookie'] as const) {
        const { gatehouse } = open(server.baseUrl, { transport });
        const { error } = await gatehouse.login({ email: 'ada@example.org', password: 'x' });
        expect(error?.code).toBe('unreachable');
        expect((await gatehouse.refresh()).error?.code).toBe('unreachable');
      }
    });

    it('an answer without a body is none', async () => {
      const server = await serve((_, response) => response.writeHead(204).end());
      const { gatehouse } = open(server.baseUrl);
      const { data, error } = await gatehouse.api.DELETE(PROFILE, { body: { password: 'x' } });
      expect([data, error]).toEqual([undefined, undefined]);
    });

    it('what is asked for as text is text', async () => {
      const server = await serve((_, response) =>
        response.writeHead(200, { 'Content-Type': 'text/plain' }).end('up 1'),
      );
      const { data } = await open(server.baseUrl).gatehouse.api.GET('/metrics', { parseAs: 'text' });
      expect(data).toBe('up 1');
    });

    it('a refused refresh token that the service cannot read ends the session', async () => {
      const server = await serve((call, response) =>
        call === REFRESH
          ? sendProblem(response, 400, 'validation_failed')
          : sendProblem(response, 401, 'token_invalid'),
      );
      const { gatehouse, endings } = open(server.baseUrl);
      await gatehouse.api.GET(PROFILE);
      expect(endings).toEqual(['validation_failed']);
    });
  });

  describe('the application', () => {
    it('may put middleware of its own in', async () => {
      const server = await serve((_, response, request) =>
        sendJson(response, 200, { id: request.headers['x-trace'], name: request.headers.authorization }),
      );
      const { gatehouse } = open(server.baseUrl);
      gatehouse.api.use({
        onRequest: ({ request }) => new Request(request, { headers: { 'X-Trace': 'abc' } }),
      });
      expect((await gatehouse.api.GET(PROFILE)).data).toEqual({ id: 'abc', name: 'Bearer access0' });
    });

    it('hears of its own mistakes in listeners, and the call goes on', async () => {
      const server = await serve((_, response) => sendJson(response, 200, tokens()));
      const { gatehouse } = open(server.baseUrl);
      const second = jest.fn();
      const uncaught = jest.spyOn(globalThis, 'queueMicrotask').mockImplementation((task) => {
        expect(task).toThrow('a mistake');
      });
      gatehouse.on('started', () => {
        throw new Error('a mistake');
      });
      gatehouse.on('started', second);
      expect((await gatehouse.login({ email: 'ada@example.org', password: 'x' })).error).toBeUndefined();
      expect(second).toHaveBeenCalledTimes(1);
      expect(uncaught).toHaveBeenCalledTimes(1);
      uncaught.mockRestore();
    });

    it('need not say where the service is on a page of its origin', async () => {
      const server = await serve((_, response) => sendJson(response, 200, { id: 'ada' }));
      Object.defineProperty(globalThis, 'location', {
        value: { origin: server.baseUrl },
        configurable: true,
      });
      const gatehouse = createClient({ store: memoryStore() });
      clients.push(gatehouse);
      expect((await gatehouse.api.GET(PROFILE)).data?.id).toBe('ada');
      Reflect.deleteProperty(globalThis, 'location');
    });
  });
});
