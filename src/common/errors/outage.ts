/** SQLSTATE classes and codes that say "not now", not "never": connection, resources, operator, locks, time-outs. */
const SQL_STATES = /^(08|53|57P|57014|55P03|25006|25P03|40001|40P01)/;
const SOCKET_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ETIMEDOUT',
  'EPIPE',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
]);
/** What `pg` says without a code when the pool is exhausted or a connection is lost. */
const MESSAGES =
  /timeout exceeded when trying to connect|timeout expired|Connection terminated|Query read timeout|not queryable|Cannot use a pool|Driver not Connected/i;

/** Whether an error says that the database cannot serve at the moment, so that the answer is 503 and worth a retry. */
export function isDatabaseAway(error: unknown): boolean {
  for (
    let cause = error;
    cause instanceof Error;
    cause = cause.cause ?? (cause as { driverError?: unknown }).driverError
  ) {
    const { code, severity } = cause as { code?: unknown; severity?: unknown };
    // The server ended the connection or refused to open one.
    if (severity === 'FATAL' || severity === 'PANIC') return true;
    if (typeof code === 'string' && (SQL_STATES.test(code) || SOCKET_CODES.has(code))) return true;
    // Between two statements of a transaction: TypeORM has let go of the connection when it was lost.
    if (cause.name === 'QueryRunnerAlreadyReleasedError') return true;
    if (MESSAGES.test(cause.message)) return true;
  }
  return false;
}

/** A wrong password or role, or no such database: waiting mends none of these. */
const WRONG_SETTINGS = /^(28|3D)/;

/** Whether a process that is starting should try again, because only time is missing. */
export function isWorthWaiting(error: unknown): boolean {
  const errors = error instanceof AggregateError ? error.errors : [error];
  return errors.every(
    (each) => isDatabaseAway(each) && !WRONG_SETTINGS.test(String((each as { code?: unknown }).code)),
  );
}
