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
  /timeout exceeded when trying to connect|timeout expired|due to connection timeout|Query read timeout|Cannot use a pool|Driver not Connected/i;
/** What ends a connection that was open: the server is told to stop (57P01, 57P02) or the line is cut. */
const LOST_CODES = new Set(['57P01', '57P02', '08003', '08006', 'ECONNRESET', 'EPIPE']);
const LOST_MESSAGES = /Connection terminated(?! due to)|not queryable/i;

/** Whether an error says that the database cannot serve at the moment, so that the answer is 503 and worth a retry. */
export function isDatabaseAway(error: unknown): boolean {
  return (
    causesOf(error).some(({ code, severity, message }) => {
      // The server ended the connection or refused to open one.
      if (severity === 'FATAL' || severity === 'PANIC') return true;
      if (typeof code === 'string' && (SQL_STATES.test(code) || SOCKET_CODES.has(code))) return true;
      return MESSAGES.test(message);
    }) || isConnectionLost(error)
  );
}

/** Whether an error says that a connection there was is gone, so that another one may serve at once. */
export function isConnectionLost(error: unknown): boolean {
  return causesOf(error).some(
    ({ code, name, message }) =>
      LOST_CODES.has(String(code)) ||
      LOST_MESSAGES.test(message) ||
      // Between two statements of a transaction: TypeORM has let go of the connection when it was lost.
      name === 'QueryRunnerAlreadyReleasedError',
  );
}

interface Cause extends Error {
  code?: unknown;
  severity?: unknown;
  driverError?: unknown;
}

function causesOf(error: unknown): Cause[] {
  const causes: Cause[] = [];
  for (
    let cause = error as Cause;
    cause instanceof Error;
    cause = (cause.cause ?? cause.driverError) as Cause
  )
    causes.push(cause);
  return causes;
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
