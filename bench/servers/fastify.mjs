// The floor: one Fastify route with an answer as long as Gatehouse's, and nothing else.
import fastify from 'fastify';

const app = fastify();
app.get('/public', async () => ({ csrfToken: 'x'.repeat(43) }));
await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT) });
process.on('SIGTERM', () => process.exit());
