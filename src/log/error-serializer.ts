/** What may be logged of an error, under `err`. */
interface LoggedError {
  type: string;
  message?: string;
  code?: string;
  table?: string;
  constraint?: string;
  /** Where it was thrown, without the message that V8 puts before it. */
  stack?: string;
  cause?: LoggedError;
}

const DEEPEST = 3;

/**
 * Names what is safe instead of cutting out what is not: errors of TypeORM carry the parameters of their query, addresses
 * and password hashes among them, and those of Redis the arguments of a command. The message of an error that PostgreSQL
 * itself reports may quote a row; its SQLSTATE and the names of table and constraint say enough.
 *
 * @param given an error, or what pino-http has made of it, which keeps it as `raw`
 */
export function serializeError(given: unknown, depth = 1): LoggedError {
  const error = Object((given as { raw?: unknown } | null)?.raw ?? given) as Record<string, unknown>;
  const reported = Object(error.driverError ?? error) as Record<string, unknown>;
  const cause = error.cause;
  return {
    type: error.constructor?.name ?? 'Error',
    ...('severity' in reported ? {} : { message: text(error.message) }),
    code: text(reported.code),
    table: text(reported.table),
    constraint: text(reported.constraint),
    stack: framesOf(text(error.stack)),
    ...(cause instanceof Error && depth < DEEPEST ? { cause: serializeError(cause, depth + 1) } : {}),
  };
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function framesOf(stack: string | undefined): string | undefined {
  return stack
    ?.split('\n')
    .filter((line) => /^\s+at /.test(line))
    .join('\n');
}
