// A limit: Fastify that reads one row by its primary key with a prepared statement, the least that a session kept in
// PostgreSQL can cost where nothing is remembered.
import fastify from 'fastify';
import { Pool } from 'pg';

const pool = new Pool({ connectionString: process.env.DATABASE_URL, max: 10 });
const text = 'SELECT id, email, name, is_active, created_at, updated_at FROM users WHERE id = $1';

const app = fastify();
app.get('/users/:id', async ({ params }) => {
  const { rows } = await pool.query({ name: 'user', text, values: [params.id] });
  return rows[0];
});
await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT) });
process.on('SIGTERM', () => process.exit());
