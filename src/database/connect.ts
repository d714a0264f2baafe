import { Client, type ClientConfig } from 'pg';
import { ACQUIRE_TIMEOUT_MS, STATEMENT_TIMEOUT_MS } from './options';

/**
 * One connection beside the pool. By itself it sends no start-up parameters, so that a pooler takes it too.
 *
 * @throws what the driver throws where the database is not reached within 2 s
 */
export async function connectOnce(url: string, parameters: ClientConfig = {}): Promise<Client> {
  const client = new Client({
    ...parameters,
    connectionString: url,
    application_name: 'gatehouse cli',
    connectionTimeoutMillis: ACQUIRE_TIMEOUT_MS,
    query_timeout: STATEMENT_TIMEOUT_MS,
  });
  // Without a listener a connection that is lost would end the process.
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

/** @throws what the driver throws where the database is not reached within 2 s */
export async function assertReachable(url: string): Promise<void> {
  const client = await connectOnce(url);
  await client.end();
}
