import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Config } from '../config/config';
import { brandOf } from './brand';
import { serveSwaggerUi } from './swagger-ui';
import { pageDocument } from './document';
import { BUILD_FOLDER, STATIC_FOLDER } from './folders';

/** Pages for people. web/src/app.tsx has the same list; another path is the page that says so. */
export const PAGE_PATHS = [
  '/',
  '/login',
  '/register',
  '/verify-email',
  '/confirm-email',
  '/not-me',
  '/forgot-password',
  '/reset-password',
  '/account',
  '/tasks',
] as const;

const ASSETS_FOLDER = join(BUILD_FOLDER, 'assets');
/** What `@fastify/static` finds beside a file by itself. */
const COMPRESSED = /\.(br|gz)$/;

const HTML = 'text/html; charset=utf-8';
const YEAR_MS = 365 * 24 * 3_600_000;
const FOR_EVER = 'public, max-age=31536000, immutable';

/** Where programs ask; they are told in JSON what is not there, whatever they accept. */
const FOR_PROGRAMS = /^\/(api|assets|health|metrics|docs|\.well-known)(\/|$)/;

/** Serves the pages and the documentation of the API under the one strict Content-Security-Policy. */
export async function servePages(fastify: FastifyInstance, config: Config): Promise<void> {
  // Before any route: those that are there when a plugin is awaited get Fastify's own error handler.
  await fastify.register(fastifyStatic, { root: STATIC_FOLDER, serve: false, preCompressed: true });
  serveSwaggerUi(fastify, config.brand);
  if (!config.pages.areServed) return;
  serveAssets(fastify);
  serveDocument(fastify, config);
}

/** One route a file, so that an unknown asset is the ordinary 404. Their names change with their content. */
function serveAssets(fastify: FastifyInstance): void {
  for (const file of readdirSync(ASSETS_FOLDER).filter((name) => !COMPRESSED.test(name)))
    fastify.get(`/assets/${file}`, (_request, reply) =>
      reply.sendFile(file, ASSETS_FOLDER, { immutable: true, maxAge: YEAR_MS }),
    );
}

function serveDocument(fastify: FastifyInstance, config: Config): void {
  const brand = brandOf(config.brand);
  const document = pageDocument(brand, config);
  for (const { path, type, content } of [brand.stylesheet, brand.logo])
    fastify.get(path, (_request, reply) =>
      reply.headers({ 'Content-Type': type, 'Cache-Control': FOR_EVER }).send(content),
    );
  for (const path of PAGE_PATHS)
    fastify.get(path, (_request, reply) =>
      reply.headers({ 'Content-Type': HTML, 'Cache-Control': 'no-cache' }).send(document),
    );
  // https://w3c.github.io/webappsec-change-password-url/: where password managers lead people.
  fastify.get('/.well-known/change-password', (_request, reply) => reply.redirect('/account#password', 303));
  fastify.addHook('onRequest', (request, reply, done) => {
    if (!request.is404 || !isNavigation(request)) return done();
    void reply.status(404).header('Content-Type', HTML).send(document);
  });
}

/** A person who follows a link. Programs that ask for nothing in particular get a problem document. */
function isNavigation({ method, url, headers }: FastifyRequest): boolean {
  return (
    (method === 'GET' || method === 'HEAD') &&
    (headers.accept ?? '').includes('text/html') &&
    !FOR_PROGRAMS.test(url.split('?')[0]!)
  );
}
