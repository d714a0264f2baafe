import { TLSSocket } from 'node:tls';
import type { Client } from 'pg';
import type { DatabaseConfig } from '../../config/config';
import { connectOnce } from '../../database/connect';
import type { Facts } from './database-facts';
import { attempt, fail, ok, warn, type Finding } from './finding';

/** A notification takes milliseconds. */
const LISTEN_MS = 1_500;
const CHANNEL = 'gatehouse_doctor';

/** Of our end of the connection: behind a pooler, what PostgreSQL knows is the pooler's. */
export function tlsFinding(check: string, client: Client, url: string): Finding {
  const { stream } = (client as unknown as { connection: { stream: unknown } }).connection;
  if (stream instanceof TLSSocket)
    return stream.authorized
      ? ok(check, `${stream.getProtocol()}, certificate verified`)
      : warn(check, 'encrypted, but the certificate is not verified', 'add ?sslmode=verify-full to the URL');
  const { hostname } = new URL(url);
  if (isLocal(hostname)) return ok(check, 'none, within this machine');
  return warn(check, `the connection to ${hostname} is not encrypted`, 'add ?sslmode=verify-full to the URL');
}

export async function poolerFindings(
  client: Client,
  { backendPid, statementTimeout, role }: Facts,
  { isPooled, url }: DatabaseConfig,
): Promise<Finding[]> {
  const check = 'database.pooler';
  // What stands in between answers the start-up itself: the process it names is not the one that answers queries.
  const isDirect = (client as unknown as { processID: number }).processID === backendPid;
  if (isDirect) return [ok(check, isPooled ? 'none noticed, though one is expected' : 'none')];
  if (!isPooled) {
    const lack = await whatLacks(url);
    if (lack === undefined) return [ok(check, 'something stands in between and lets everything through')];
    const advice = 'set DATABASE_DIRECT_URL to the database itself: migrations and LISTEN need it';
    return [fail(check, `DATABASE_URL leads to a pooler: ${lack}`, advice)];
  }
  if (statementTimeout !== '0') return [ok(check, 'there, with a direct way round it')];
  const advice = `run ALTER ROLE "${role}" SET statement_timeout = '5s'; the same for lock_timeout = '2s'`;
  return [warn(check, 'there, and the role has no statement_timeout of its own', advice)];
}

/** What a direct connection can do and one by a pooler cannot, first of all hear notifications. */
async function whatLacks(url: string): Promise<string | undefined> {
  const [listener, speaker] = [await connectOnce(url), await connectOnce(url)];
  try {
    const heard = new Promise<boolean>((resolve) => {
      listener.once('notification', () => resolve(true));
      setTimeout(resolve, LISTEN_MS, false).unref();
    });
    await listener.query(`LISTEN ${CHANNEL}`);
    await speaker.query(`NOTIFY ${CHANNEL}`);
    if (!(await heard)) return 'LISTEN hears nothing';
    const patient = await connectOnce(url, { statement_timeout: LISTEN_MS });
    await patient.end();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  } finally {
    await Promise.all([listener.end(), speaker.end()]);
  }
}

/** The way round a pooler, where one is configured. */
export async function directFindings(
  facts: Facts,
  { isPooled, directUrl }: DatabaseConfig,
): Promise<Finding[]> {
  const check = 'database.direct';
  if (!isPooled) return [];
  return attempt(check, 'check DATABASE_DIRECT_URL', async () => {
    const client = await connectOnce(directUrl);
    try {
      const { rows } = await client.query<Pick<Facts, 'startedAt'>>(
        'SELECT extract(epoch FROM pg_postmaster_start_time())::text AS "startedAt"',
      );
      if (rows[0]!.startedAt !== facts.startedAt)
        return [fail(check, 'it leads to another server', 'both URLs must mean the same database')];
      const lack = await whatLacks(directUrl);
      if (lack !== undefined)
        return [fail(check, `it leads to a pooler too: ${lack}`, 'set it to the database itself')];
      return [ok(check, 'reached, LISTEN hears'), tlsFinding('database.direct.tls', client, directUrl)];
    } finally {
      await client.end();
    }
  });
}

function isLocal(hostname: string): boolean {
  return /^(|localhost|127(\.\d+){3}|\[::1\]|%2F.*)$/i.test(hostname);
}
