import type { OpenAPIObject } from '@nestjs/swagger';
import { committedOpenApi } from '../support/openapi';
import { loggedIn } from '../support/actors';
import { TestApp } from '../support/app';

type Operation = NonNullable<OpenAPIObject['paths'][string]['post']>;

/**
 * `import type` on a request DTO erases it, and validation with it: the route would take anything. So every route with
 * a body is sent an unknown field and must refuse it.
 */
describe('request bodies', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await TestApp.start();
  });
  afterAll(() => app.close());

  const routes = Object.entries(committedOpenApi().paths).flatMap(([path, operations]) =>
    Object.entries(operations as Record<string, Operation>)
      .filter(([, operation]) => operation.requestBody)
      .map(([method]) => [method.toUpperCase(), path]),
  );

  it('are validated on several routes', () => expect(routes.length).toBeGreaterThan(4));

  it.each(routes)('%s %s refuses an unknown field', async (method, path) => {
    const { token } = await loggedIn(app);
    const answer = await app.http.send<{ code: string; errors: object[] }>(
      method!,
      path!.replace(/\{\w+\}/g, '019a5c1e-7c1b-7a63-b1a4-6d6f0a2f9c11'),
      { unheardOf: 1 },
      { token },
    );
    expect([answer.status, answer.body.code]).toEqual([400, 'validation_failed']);
    expect(answer.body.errors).toContainEqual(
      expect.objectContaining({ field: 'unheardOf', code: 'unknown_field' }),
    );
  });
});
