import type { FastifySchema } from 'fastify';
import { createAdapter } from '../../src/app.setup';
import { Config } from '../../src/config/config';
import { readEnv } from '../../src/config/env';
import { TEST_SECRET } from '../support/app';

const start = async (schema: FastifySchema & { hide?: boolean }) => {
  const settings = readEnv({ NODE_ENV: 'test', JWT_SECRET: TEST_SECRET });
  settings.DATABASE_URL = 'postgres://127.0.0.1:9/none';
  const adapter = createAdapter(Config.from(settings, {}));
  const fastify = adapter.getInstance();
  fastify.post('/probe', { schema }, (_request, reply) => reply.send('heard'));
  try {
    await fastify.ready();
  } finally {
    await fastify.close();
  }
};

describe('a route that describes itself to Fastify', () => {
  it.each<FastifySchema>([{ body: { type: 'object' } }, { response: { 200: { type: 'string' } } }])(
    'by a JSON Schema keeps the server from starting: %j',
    async (schema) => {
      await expect(start(schema)).rejects.toThrow(/POST: \/probe, due to error classes validate here/);
    },
  );

  it('by other words does not', async () => {
    await expect(start({ hide: true })).resolves.toBeUndefined();
  });
});
