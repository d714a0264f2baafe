import { dirname, join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';
import { PROJECT_ROOT } from '../common/project';

const FOLDER = join(PROJECT_ROOT, 'web', 'static');

/** Pages for people, a file each, at their name without an extension; what they load lies under /assets. */
const PAGES = {
  '/docs': 'docs.html',
  '/verify-email': 'verify-email.html',
  '/reset-password': 'reset-password.html',
  '/confirm-email': 'confirm-email.html',
  '/not-me': 'not-me.html',
};

/** The files of Swagger UI that our page at /docs loads. */
const SWAGGER_UI = ['swagger-ui.css', 'swagger-ui-bundle.js'];
const SWAGGER_UI_FOLDER = dirname(require.resolve('swagger-ui-dist/package.json'));

/** Serves the static pages under the one strict Content-Security-Policy. */
export async function servePages(fastify: FastifyInstance): Promise<void> {
  await fastify.register(fastifyStatic, {
    root: join(FOLDER, 'assets'),
    prefix: '/assets/',
    // One route a file, so that an unknown asset is the ordinary 404.
    wildcard: false,
    index: false,
  });
  for (const file of SWAGGER_UI)
    fastify.get(`/docs/${file}`, (_request, reply) =>
      reply.sendFile(file, SWAGGER_UI_FOLDER, { maxAge: '1h' }),
    );
  for (const [path, file] of Object.entries(PAGES))
    fastify.get(path, (_request, reply) =>
      reply.header('Cache-Control', 'no-cache').sendFile(file, FOLDER, { cacheControl: false }),
    );
}
