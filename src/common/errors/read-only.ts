/** read_only_sql_transaction, disk_full */
const SQL_STATES = new Set(['25006', '53100']);

/** Whether the database refuses to write at the moment, and may well read: a standby, or a disk that is full. */
export function isWriteRefused(error: unknown): boolean {
  const { code } = ((error as { driverError?: unknown })?.driverError ?? error ?? {}) as { code?: unknown };
  return typeof code === 'string' && SQL_STATES.has(code);
}
