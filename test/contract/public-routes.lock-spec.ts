import { MetadataScanner, ModulesContainer, Reflector } from '@nestjs/core';
import { METHOD_METADATA, PATH_METADATA } from '@nestjs/common/constants';
import { RequestMethod } from '@nestjs/common';
import { newSecret } from '../../src/common/crypto/tokens';
import { IS_PUBLIC } from '../../src/common/access/public.decorator';
import { committedOpenApi } from '../support/openapi';
import { TestApp } from '../support/app';

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
    const reflector = app.nest.get(Reflector);
    const scanner = new MetadataScanner();
    const open: string[] = [];
    const modules = [...app.nest.get(ModulesContainer).values()];
    for (const { metatype, instance } of modules.flatMap(({ controllers }) => [...controllers.values()])) {
      const prefix = Reflect.getMetadata(PATH_METADATA, metatype!) as string;
      for (const name of scanner.getAllMethodNames(instance as object)) {
        const handler = (instance as Record<string, () => unknown>)[name]!;
        const path = Reflect.getMetadata(PATH_METADATA, handler) as string | undefined;
        if (path === undefined || !reflector.getAllAndOverride(IS_PUBLIC, [handler, metatype!])) continue;
        const method = RequestMethod[Reflect.getMetadata(METHOD_METADATA, handler) as number];
        open.push(
          `${method} ${`/${prefix}/${path}`
            .replace(/\/+/g, '/')
            .replace(/(.)\/$/, '$1')
            .replace(/:(\w+)/g, '{$1}')}`,
        );
      }
    }
    expect(open.sort()).toEqual(PUBLIC_ROUTES);
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
