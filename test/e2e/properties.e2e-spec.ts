import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import * as fc from 'fast-check';
import type { OpenAPIObject } from '@nestjs/swagger';
import { freshEmail, loggedIn, type LoggedIn } from '../support/actors';
import { TestApp } from '../support/app';
import { committedOpenApi, OpenApiContract } from '../support/openapi';
import { NOBODYS_ID, requestBodies } from '../support/request-fields';

/** In every generated text, so that an answer that repeats any of it gives itself away. */
const MARKER = 'zqjx';
const CASES_PER_ROUTE = 130;
/** The same cases each time, so that a change is what makes them fail; another number makes others. */
const SEED = Number(process.env.PROPERTY_SEED ?? 20_261_121);

interface Case {
  path: string;
  headers: Record<string, string>;
  body: string | undefined;
  hasCredential: boolean;
}

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

const document = committedOpenApi();
const fieldsOf = new Map(
  requestBodies().map(({ method, template, fields }) => [`${method} ${template}`, fields]),
);
/** Stands for the id of who asks, which is known when the request is made. */
const OWN_ID = 'own-id';
const routes = Object.entries(document.paths).flatMap(([template, operations]) =>
  Object.keys(operations as OpenAPIObject['paths'][string]).map((method) => ({
    method: method.toUpperCase(),
    template,
    fields: fieldsOf.get(`${method.toUpperCase()} ${template}`),
  })),
);

const marked = fc
  .string({ unit: 'binary', maxLength: 40 })
  .map((text) => `${text.slice(0, 10)}${MARKER}${text.slice(10)}`);
const json = fc.jsonValue({ maxDepth: 4 }).map((value) => JSON.parse(JSON.stringify(value)) as unknown);

/** Something like what a field wants, or something else altogether. */
function valueFor(example: unknown): fc.Arbitrary<unknown> {
  return fc.oneof(
    { weight: 4, arbitrary: fc.constant(example) },
    { weight: 3, arbitrary: marked },
    { weight: 2, arbitrary: json },
    fc.constantFrom(
      null,
      true,
      0,
      -1,
      1e308,
      '',
      [],
      {},
      [MARKER],
      { [MARKER]: MARKER },
      MARKER.repeat(3_000),
    ),
    fc.constantFrom(
      `${MARKER}@example.org`,
      `${MARKER}'; DROP TABLE users; --`,
      `<script>${MARKER}</script>`,
      '\u0000',
      '\ud800',
    ),
  );
}

function bodyFor(
  fields: Record<string, { example?: unknown }> | undefined,
): fc.Arbitrary<string | undefined> {
  const known = Object.fromEntries(
    Object.entries(fields ?? {}).map(([name, { example }]) => [name, valueFor(example ?? 'example')]),
  );
  const shaped = fc.record(known, { requiredKeys: [] }).map((body) => JSON.stringify(body));
  const extended = fc
    .tuple(fc.record(known, { requiredKeys: [] }), fc.dictionary(marked, json, { maxKeys: 3 }))
    .map(([body, more]) => JSON.stringify({ ...body, ...more }));
  return fc.oneof(
    { weight: 6, arbitrary: shaped },
    { weight: 2, arbitrary: extended },
    json.map((value) => JSON.stringify(value)),
    marked,
    fc.constantFrom(
      undefined,
      '',
      '{',
      `{"${MARKER}":`,
      '[]',
      'null',
      '"x"',
      '['.repeat(5_000),
      `{"__proto__":{"${MARKER}":1}}`,
    ),
  );
}

/** Visible ASCII and spaces: what can stand in a header at all. */
const headerText = fc.stringMatching(/^[ -~]{0,60}$/).map((text) => `${MARKER}${text}`.trim());
const headers = fc.record(
  {
    'X-Request-Id': headerText,
    Accept: fc.oneof(fc.constant('application/json'), headerText),
    'User-Agent': headerText,
    Cookie: fc.oneof(
      headerText,
      headerText.map((text) => `session=${text}`),
      fc.constant('session=a; session=b'),
    ),
    Authorization: fc.oneof(
      headerText,
      headerText.map((text) => `Bearer ${text}`),
      fc.constantFrom('Bearer', 'Basic eA==', 'Bearer a.b.c'),
    ),
    'X-CSRF-Token': headerText,
    Origin: fc.oneof(headerText, fc.constantFrom('null', 'https://evil.example')),
    'Content-Type': fc.oneof(
      headerText,
      fc.constantFrom(
        'text/plain',
        'application/json; charset=utf-16',
        'multipart/form-data',
        'application/json;',
      ),
    ),
    'Content-Encoding': fc.constantFrom('gzip', 'br', 'identity', MARKER),
    'X-Forwarded-For': headerText,
    'X-Forwarded-Host': headerText,
    'X-HTTP-Method-Override': fc.constantFrom('DELETE', 'GET'),
    'Sec-Fetch-Site': fc.constantFrom('cross-site', 'same-origin', 'none', MARKER),
    'Accept-Language': headerText,
    Range: fc.constantFrom('bytes=0-1', MARKER),
    'If-None-Match': headerText,
  },
  { requiredKeys: [] },
);

function pathFor(template: string): fc.Arbitrary<string> {
  const parameter = fc.oneof(
    fc.constant(NOBODYS_ID),
    marked.map((text) => encodeURIComponent(text.toWellFormed())),
    fc.constantFrom('%00', '%2e%2e%2f', '..', '%zz', MARKER.repeat(200), '0', 'null', "1'--"),
  );
  const query = fc.oneof(
    { weight: 5, arbitrary: fc.constant('') },
    fc
      .tuple(marked, marked)
      .map(
        ([name, value]) =>
          `?${encodeURIComponent(name.toWellFormed())}=${encodeURIComponent(value.toWellFormed())}`,
      ),
    fc.constantFrom(
      '?',
      '?a[]=1&a=2',
      '?__proto__[x]=1',
      `?${'a=1&'.repeat(500)}`,
      '?limit=-1',
      '?limit=1e9',
      '?cursor=x',
    ),
  );
  const parameters = template.match(/\{\w+\}/g) ?? [];
  const valueOf = (name: string) =>
    name === '{userId}'
      ? fc.oneof({ weight: 4, arbitrary: fc.constant(OWN_ID) }, { weight: 1, arbitrary: parameter })
      : parameter;
  return fc.tuple(fc.tuple(...parameters.map(valueOf)), query).map(([values, search]) => {
    let index = 0;
    return template.replace(/\{\w+\}/g, () => values[index++]!) + search;
  });
}

describe('whatever is sent', () => {
  let app: TestApp;
  let actor: LoggedIn;
  const contract = new OpenApiContract();
  const seen = new Map<number, number>();

  beforeAll(async () => {
    app = await TestApp.start();
    actor = await loggedIn(app);
  });
  afterAll(async () => {
    await app.close();
    const total = [...seen.values()].reduce((sum, count) => sum + count, 0);
    process.stdout.write(
      `${total} generated requests, by status: ${JSON.stringify(Object.fromEntries([...seen].sort()))}\n`,
    );
  });

  /** By node's own client: fetch would tidy paths and headers up, and refuse the interesting ones. */
  const send = ({ path, headers: sent, body }: Case, method: string) =>
    new Promise<Answer>((resolve, reject) => {
      const { hostname, port } = new URL(app.http.baseUrl);
      const request = httpRequest({ hostname, port, method, path, headers: sent, agent: false });
      request.on('error', reject);
      request.on('response', (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          resolve({
            status: response.statusCode!,
            headers: response.headers,
            text: Buffer.concat(chunks).toString(),
          }),
        );
        response.on('error', reject);
      });
      request.end(method === 'GET' || method === 'HEAD' ? undefined : body);
    });

  const check = async (method: string, one: Case) => {
    const answer = await send(one, method);
    seen.set(answer.status, (seen.get(answer.status) ?? 0) + 1);
    expect(faultsOf(method, one, answer)).toEqual([]);
    // What a case has ended or deleted is there again for the next.
    const isGone = answer.status === 204 || one.path.startsWith('/api/auth/logout');
    if (isGone || (answer.status === 401 && one.hasCredential)) actor = await loggedIn(app, freshEmail());
  };

  const faultsOf = (method: string, { path, ...one }: Case, { status, headers: sent, text }: Answer) => {
    const type = sent['content-type'] ?? '';
    const body: unknown = text !== '' && /json/.test(type) ? JSON.parse(text) : text || undefined;
    const faults = status >= 400 ? problemFaults(status, type, text, body) : [];
    for (const [name, value] of Object.entries(sent))
      if (name !== 'x-request-id' && String(value).includes(MARKER)) faults.push(`${name} repeats the input`);
    if (!sent['content-security-policy']?.includes("default-src 'none'")) faults.push('no CSP');
    if (!/^[\w.-]{8,128}$/.test(String(sent['x-request-id']))) faults.push('no request id');
    const routed = decodable(path.split('?')[0]!);
    const violation = routed && contract.violation(method, routed, status, type, body);
    if (violation) faults.push(violation);
    return faults.map((fault) => `${fault}: ${status} ${text} ${JSON.stringify(one)}`);
  };

  it.each(routes)(
    '$method $template answers as documented, in problem documents, and repeats nothing',
    async ({ method, template, fields }) => {
      const cases = fc
        .record({ path: pathFor(template), headers, body: bodyFor(fields), isLoggedIn: fc.boolean() })
        .map(({ path, headers: sent, body, isLoggedIn }) => ({ path, sent, body, isLoggedIn }));
      await fc.assert(
        fc.asyncProperty(cases, async ({ path, sent, body, isLoggedIn }) => {
          const own: Record<string, string> = {};
          if (body !== undefined) own['Content-Type'] = 'application/json';
          if (body !== undefined && method !== 'GET') own['Content-Length'] = String(Buffer.byteLength(body));
          if (isLoggedIn) own.Authorization = `Bearer ${actor.token}`;
          // Half of the cases are only what a client would send, so that they get past the first checks.
          const all = (isLoggedIn && fields ? own : { ...own, ...sent }) as Record<string, string>;
          const hasCredential = isLoggedIn && all.Authorization === own.Authorization;
          await check(method, { path: path.replace(OWN_ID, actor.id), headers: all, body, hasCredential });
        }),
        { seed: SEED, numRuns: CASES_PER_ROUTE, endOnFailure: true },
      );
    },
    120_000,
  );

  it('made thousands of requests', () => {
    expect([...seen.values()].reduce((sum, count) => sum + count, 0)).toBeGreaterThan(3_000);
    expect([200, 400, 401].every((status) => (seen.get(status) ?? 0) > 50)).toBe(true);
  });
});

function problemFaults(status: number, type: string, text: string, body: unknown): string[] {
  const faults: string[] = [];
  if (status >= 500) faults.push('a mistake of ours');
  if (type !== 'application/problem+json; charset=utf-8') faults.push(`an error as ${type}`);
  const problem = body as { status?: number; code?: string } | undefined;
  if (problem?.status !== status || typeof problem.code !== 'string') faults.push('no problem document');
  // The names of unknown fields are told back, and the request's own id; nothing else of what came.
  const rest = text.replace(/"requestId":"[^"]*"/, '').replace(/"field":"(?:[^"\\]|\\.)*"/g, '');
  if (rest.includes(MARKER)) faults.push('the input is repeated');
  return faults;
}

/** As the router sees the path; undefined where it cannot be decoded, which no documented route can answer. */
function decodable(path: string): string | undefined {
  try {
    decodeURIComponent(path);
    return path;
  } catch {
    return undefined;
  }
}
