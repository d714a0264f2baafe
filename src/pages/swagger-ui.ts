import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import type { BrandConfig } from '../config/config';
import { DEFAULT_NAME } from './brand';
import { fillIn } from './document';
import { STATIC_FOLDER } from './folders';

const SWAGGER_UI_FOLDER = dirname(require.resolve('swagger-ui-dist/package.json'));

/** What our page at /docs loads: the files of Swagger UI, and ours. */
const FILES = {
  'swagger-ui.css': SWAGGER_UI_FOLDER,
  'swagger-ui-bundle.js': SWAGGER_UI_FOLDER,
  'docs.css': STATIC_FOLDER,
  'docs.js': STATIC_FOLDER,
  'icon.svg': STATIC_FOLDER,
};

/** The documentation of the API, which belongs to the API: it is there without the pages too. */
export function serveSwaggerUi(fastify: FastifyInstance, { name = DEFAULT_NAME }: BrandConfig): void {
  const document = fillIn(readFileSync(join(STATIC_FOLDER, 'docs.html'), 'utf8'), { brand: name });
  fastify.get('/docs', (_request, reply) =>
    reply.headers({ 'Content-Type': 'text/html; charset=utf-8', 'Cache-Control': 'no-cache' }).send(document),
  );
  for (const [file, folder] of Object.entries(FILES))
    fastify.get(`/docs/${file}`, (_request, reply) => reply.sendFile(file, folder, { maxAge: '1h' }));
}
