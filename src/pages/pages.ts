import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';
import { PROJECT_ROOT } from '../common/project';

const FOLDER = join(PROJECT_ROOT, 'web', 'static');

/** Pages for people, a file each, at their name without an extension; what they load lies under /assets. */
const PAGES = {
  '/verify-email': 'verify-email.html',
  '/reset-password': 'reset-password.html',
  '/confirm-email': 'confirm-email.html',
  '/not-me': 'not-me.html',
};

/** Serves the static pages under the one strict Content-Security-Policy. */
export async function servePages(fastify: FastifyInstance): Promise<void> {
  await fastify.register(fastifyStatic, {
    root: join(FOLDER, 'assets'),
    prefix: '/assets/',
    // One route a file, so that an unknown asset is the ordinary 404.
    wildcard: false,
    index: false,
  });
  for (const [path, file] of Object.entries(PAGES))
    fastify.get(path, (_request, reply) =>
      reply.header('Cache-Control', 'no-cache').sendFile(file, FOLDER, { cacheControl: false }),
    );
}
