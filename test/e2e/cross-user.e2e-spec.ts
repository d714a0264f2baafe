import type { OpenAPIObject } from '@nestjs/swagger';
import { DataSource } from 'typeorm';
import { newId } from '../../src/common/crypto/tokens';
import { openApiDocument } from '../../src/docs/openapi';
import { inBrowser, loggedIn, type LoggedIn } from '../support/actors';
import { TestApp } from '../support/app';
import { pathOf, requestBodies } from '../support/request-fields';
import { routesOf } from '../support/routes';
import { SAMPLES } from '../support/samples';

/** Parameters that are secrets by themselves: who has one may use it. */
const SECRETS = ['/api/auth/verify/{token}'];
/** Different in any two answers. */
const VOLATILE = new Set(['x-request-id', 'date', 'content-length']);

jest.setTimeout(120_000);

interface Operation {
  method: string;
  template: string;
  body: object | undefined;
}

/**
 * Whatever route there is with an id in its path, made from the OpenAPI document: somebody else's ids get nobody
 * anywhere, and look like ids that do not exist.
 */
describe("somebody else's ids", () => {
  let app: TestApp;
  let [owner, intruder]: LoggedIn[] = [];
  let operations: Operation[];
  let everythingOf: string;
  let transports: Record<string, Record<string, string>>;
  const tried = { routes: 0, attempts: 0 };

  beforeAll(async () => {
    app = await TestApp.start();
    operations = operationsWithIds(openApiDocument(app.nest));
    everythingOf = await selectEverythingOf(app);
    [owner, intruder] = [await loggedIn(app), await loggedIn(app)];
    transports = {
      bearer: { Authorization: `Bearer ${intruder.token}` },
      cookie: await inBrowser(app, intruder),
    };
  });
  afterAll(async () => {
    await app.close();
    process.stdout.write(
      `${tried.routes} routes with an id, ${tried.attempts} attempts with ids of somebody else\n`,
    );
  });

  it('are known for every path with an id: add a sample to test/support/samples.ts', () => {
    const paths = [...new Set(routesOf(app).map(({ path }) => path))].filter((path) => path.includes('{'));
    expect(Object.keys(SAMPLES).concat(SECRETS).sort()).toEqual(paths.sort());
    // A route that the document hides would not be tried.
    const documented = new Set(Object.keys(openApiDocument(app.nest).paths));
    expect(paths.filter((path) => !documented.has(path))).toEqual([]);
    const open = routesOf(app).filter(({ path, isPublic }) => isPublic && path.includes('{'));
    expect([...new Set(open.map(({ path }) => path))]).toEqual(SECRETS);
  });

  it('of users are called userId, so that nobody reads over them', () => {
    for (const { path } of routesOf(app).filter((route) => route.path.startsWith('/api/users/{')))
      expect(path).toMatch(/^\/api\/users\/\{userId\}(\/|$)/);
  });

  it('are refused on every route and by both transports, like ids that do not exist, and change nothing', async () => {
    expect(operations.length).toBeGreaterThanOrEqual(7);
    for (const { method, template, body } of operations) {
      const ids = await SAMPLES[template]!(app, owner!);
      const invented = Object.fromEntries(Object.keys(ids).map((name) => [name, newId()]));
      const isBelowUser = 'userId' in ids && Object.keys(ids).length > 1;
      const own = { userId: intruder!.id };
      const before = await rowsOf(owner!.id);
      for (const [transport, headers] of Object.entries(transports)) {
        const attempt = async (these: Record<string, string>, sent: unknown = body) => {
          tried.attempts++;
          const answer = await app.http.send(method, pathOf(template, these), sent, { headers });
          const at = `${method} ${template} by ${transport} with ${JSON.stringify(these)}`;
          expect([at, answer.status < 300]).toEqual([at, false]);
          expect([at, await rowsOf(owner!.id)]).toEqual([at, before]);
          return comparable(answer);
        };
        const pairs = [
          [ids, invented],
          ...(isBelowUser
            ? [
                [
                  { ...ids, ...own },
                  { ...invented, ...own },
                ],
                [
                  { ...ids, userId: owner!.id },
                  { ...invented, userId: owner!.id },
                ],
              ]
            : []),
        ] as Record<string, string>[][];
        for (const [real, unreal] of pairs) {
          const answers = [await attempt(real!), await attempt(unreal!)];
          expect([template, method, answers[0]]).toEqual([template, method, answers[1]]);
          expect([403, 404]).toContain(answers[0]!.status);
          // What is wrong with a body is not told either before it is known whose thing it is about.
          if (body !== undefined && 'userId' in ids && real!.userId !== own.userId)
            expect(await attempt(real!, { unheardOf: 1 })).toEqual(answers[0]);
        }
        for (const spelt of ['x', '0', '%20', `${Object.values(ids).at(-1)}%20`]) {
          const last = Object.keys(ids).at(-1)!;
          const { status } = await attempt({ ...ids, ...(isBelowUser ? own : {}), [last]: spelt });
          expect([403, 404]).toContain(status);
        }
      }
      if (method !== 'HEAD') tried.routes++;
    }
  });

  it('are refused because of who asks: to their owner every one of these routes answers', async () => {
    for (const { method, template, body } of operations) {
      const ids = await SAMPLES[template]!(app, owner!);
      const { status } = await app.http.send(method, pathOf(template, ids), body, { token: owner!.token });
      expect([method, template, status < 300]).toEqual([method, template, true]);
    }
  });

  /** Everything in the database that says whose it is; as the superuser, who sees it all. */
  const rowsOf = (userId: string) => app.nest.get(DataSource).query<object[]>(everythingOf, [userId]);
});

async function selectEverythingOf({ database }: TestApp): Promise<string> {
  const tables = await database.query<{ name: string; column: string }>(
    `SELECT table_name AS name, column_name AS "column" FROM information_schema.columns
     JOIN information_schema.tables USING (table_schema, table_name)
     WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND table_name !~ '_\\d{4}_\\d{2}$'
       AND ((table_name, column_name) = ('users', 'id') OR column_name = 'user_id') ORDER BY 1`,
  );
  return tables
    .map(
      ({ name, column }) =>
        `SELECT '${name}' AS name, json_agg(t ORDER BY t::text) AS rows FROM "${name}" AS t WHERE t."${column}" = $1`,
    )
    .join(' UNION ALL ');
}

function operationsWithIds(document: OpenAPIObject): Operation[] {
  const bodies = requestBodies(document);
  return Object.entries(document.paths)
    .filter(([template]) => template.includes('{') && !SECRETS.includes(template))
    .flatMap(([template, methods]) =>
      Object.entries(methods as Record<string, { requestBody?: { required?: boolean } }>).flatMap(
        ([name, { requestBody }]) => {
          const method = name.toUpperCase();
          const found = bodies.find((body) => body.method === method && body.template === template);
          const body = requestBody?.required ? found?.example : undefined;
          // What can be read can be asked for its headers, documented or not.
          const asked = method === 'GET' ? ['GET', 'HEAD'] : [method];
          return asked.map((one) => ({ method: one, template, body }));
        },
      ),
    );
}

/** All of an answer that a client could tell it from another by. */
function comparable({ status, headers, body }: { status: number; headers: Headers; body: unknown }) {
  const { requestId: _, ...rest } = (body ?? {}) as Record<string, unknown>;
  return {
    status,
    body: rest,
    headers: Object.fromEntries([...headers].filter(([name]) => !VOLATILE.has(name))),
  };
}
