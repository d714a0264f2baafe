import type { OpenAPIObject } from '@nestjs/swagger';
import { EventLoopLag } from '../../src/common/load/event-loop-lag';
import { committedOpenApi } from '../support/openapi';
import { TestApp } from '../support/app';

type Operation = NonNullable<OpenAPIObject['paths'][string]['post']>;

/** `@Expensive('always')`: refused before anything else while the service is overloaded. */
const ALWAYS = [
  'DELETE /api/auth/profile',
  'POST /api/auth/change-email',
  'POST /api/auth/change-password',
  'POST /api/auth/login',
  'POST /api/auth/register',
  'POST /api/auth/reset-confirm',
];
/** `@Expensive('sometimes')`: refused only when it comes to hashing. */
const SOMETIMES = ['DELETE /api/auth/sessions/{id}', 'POST /api/auth/logout-all'];

const operations = Object.entries(committedOpenApi().paths).flatMap(([path, methods]) =>
  Object.entries(methods as Record<string, Operation>).map(([method, operation]) => ({
    route: `${method.toUpperCase()} ${path}`,
    operation,
  })),
);

/** A route that hashes without a mark answers 500, whatever it is asked: its own tests show it. These hold the marks. */
describe('expensive routes', () => {
  it('are exactly the listed ones', async () => {
    const app = await TestApp.start({ env: { RATE_LIMITS: '9999' } });
    jest.spyOn(EventLoopLag.prototype, 'isHigh', 'get').mockReturnValue(true);
    const refused: string[] = [];
    for (const { route } of operations) {
      const [method, path] = route.split(' ') as [string, string];
      const answer = await app.http.send<{ code?: string } | undefined>(
        method,
        path.replace(/\{\w+\}/g, 'x'),
        undefined,
      );
      if (answer.body?.code === 'overloaded') refused.push(route);
    }
    jest.restoreAllMocks();
    await app.close();
    expect(refused.sort()).toEqual(ALWAYS);
  });

  it('are all that take a password: mark the route @Expensive() and list it here', () => {
    const takePasswords = operations.filter(({ operation }) => namesIn(operation).some(isPassword));
    expect(takePasswords.map(({ route }) => route).sort()).toEqual([...ALWAYS, ...SOMETIMES].sort());
  });

  it('are documented to answer 503 overloaded', () => {
    const documented = operations.filter(({ operation }) =>
      JSON.stringify(operation.responses['503'] ?? {}).includes('"overloaded"'),
    );
    expect(documented.map(({ route }) => route).sort()).toEqual([...ALWAYS, ...SOMETIMES].sort());
  });
});

/** The fields of a route's body. */
function namesIn({ requestBody }: Operation): string[] {
  const reference = /"\$ref":"#\/components\/schemas\/(\w+)"/.exec(JSON.stringify(requestBody ?? {}))?.[1];
  const schema = committedOpenApi().components?.schemas?.[reference ?? ''] as
    { properties?: object } | undefined;
  return Object.keys(schema?.properties ?? {});
}

const isPassword = (name: string) => /password/i.test(name);
