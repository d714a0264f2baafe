import { readdirSync, readFileSync } from 'node:fs';

/** Milliseconds on a core since its start, all threads; the kernel counts nanoseconds. 0 where the process is gone. */
export function cpuMs(pid) {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    const spent = threads.map(
      (id) => readFileSync(`/proc/${pid}/task/${id}/schedstat`, 'utf8').split(' ')[0],
    );
    return spent.reduce((sum, nanoseconds) => sum + Number(nanoseconds), 0) / 1e6;
  } catch {
    return 0;
  }
}

/** The same of the connections that a server has to a database: of each since `before`, or since it was opened. */
export async function connectionsCpu(client, database) {
  const { rows } = await client.query(
    `SELECT pid FROM pg_stat_activity WHERE datname = $1 AND application_name = 'gatehouse'`,
    [database],
  );
  return new Map(rows.map(({ pid }) => [pid, cpuMs(pid)]));
}

export function spentBetween(before, after) {
  return [...after].reduce((sum, [pid, ms]) => sum + ms - (before.get(pid) ?? 0), 0);
}
