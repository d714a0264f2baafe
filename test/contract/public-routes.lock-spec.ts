import { newSecret } from '../../src/common/crypto/tokens';
import { committedOpenApi } from '../support/openapi';
import { TestApp } from '../support/app';
import { routesOf } from '../support/routes';

/** Adding a line here opens a route to everybody. Be sure that you mean it. */
const PUBLIC_ROUTES = [
  'GET /.well-known/jwks.json',
  'GET /api/auth/verify/{token}',
  'GET /api/status',
  'GET /health',
  'GET /health/live',
  'GET /health/ready',
  'GET /metrics',
  'HEAD /api/auth/verify/{token}',
  'POST /api/auth/change-email/confirm',
  'POST /api/auth/login',
  'POST /api/auth/not-me',
  'POST /api/auth/refresh',
  'POST /api/auth/register',
  'POST /api/auth/reset-confirm',
  'POST /api/auth/reset-request',
  'POST /api/auth/verify',
  'POST /api/auth/verify/resend',
];

describe('public routes', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await TestApp.start({ env: { METRICS_TOKEN: newSecret() } });
  });
  afterAll(() => app.close());

  it('are exactly the listed ones', () => {
    const open = routesOf(app).filter(({ isPublic }) => isPublic);
    expect(open.map(({ method, path }) => `${method} ${path}`).sort()).toEqual(PUBLIC_ROUTES);
  });

  it('are the only ones of the OpenAPI document that let a stranger in', async () => {
    for (const [path, operations] of Object.entries(committedOpenApi().paths)) {
      for (const method of Object.keys(operations)) {
        const route = `${method.toUpperCase()} ${path}`;
        const { status } = await app.http.send(
          method.toUpperCase(),
          path.replace(/\{\w+\}/g, 'x'),
          undefined,
        );
        if (PUBLIC_ROUTES.includes(route)) continue;
        expect([route, status]).toEqual([route, 401]);
      }
    }
  });
});
