// A limit: Fastify that verifies an access token with jose and believes it. No session, no revocation.
import fastify from 'fastify';
import { jwtVerify } from 'jose';

const { JWT_SECRET, PORT, PUBLIC_URL } = process.env;
const secret = new TextEncoder().encode(JWT_SECRET);
const expected = { algorithms: ['HS256'], typ: 'at+jwt', issuer: PUBLIC_URL, audience: PUBLIC_URL };

const app = fastify();
app.get('/verified', async ({ headers }) => {
  const { payload } = await jwtVerify(headers.authorization.slice('Bearer '.length), secret, expected);
  return { id: payload.sub, email: payload.email };
});
await app.listen({ host: '127.0.0.1', port: Number(PORT) });
process.on('SIGTERM', () => process.exit());
