import { DatabaseError } from 'pg';
import { QueryFailedError } from 'typeorm';
import { AppError } from '../common/errors/app-error';
import { isDatabaseAway } from '../common/errors/outage';
import { explain } from '../common/errors/start-error';
import { ConfigurationError } from '../config/env';
import { CliError } from './cli-error';
import { EXIT, type ExitCode } from './exit-codes';

/** How a command ends that was not carried out. */
export interface Ending {
  exitCode: ExitCode;
  /** For stderr; empty where everything has been said. */
  message: string;
}

const MIGRATE = 'run `gatehouse db migrate`, and `gatehouse db check` to see what is missing';

/** Errors that the operator mends by settings, rights or a migration: SQLSTATE and message. */
const SET_UP_WRONG: [pattern: RegExp, advice: string][] = [
  [/unsupported startup parameter/, 'a pooler stands before the database: set DATABASE_DIRECT_URL'],
  [/^28/, 'the database refuses the role or its password: check DATABASE_URL'],
  [/^3D000$/, 'the database named in DATABASE_URL does not exist'],
  [/^(42P01|42703|3F000|42883)$/, `the database lacks what this version needs: ${MIGRATE}`],
  [/^42501$/, 'the role of DATABASE_URL may not do this'],
];

/** Turns whatever was thrown into an exit code and words. Neither holds a value that was given as a secret. */
export function endingOf(error: unknown): Ending {
  if (error instanceof CliError) return { exitCode: error.exitCode, message: error.message };
  if (isParserError(error)) return { exitCode: error.exitCode === 0 ? EXIT.ok : EXIT.usage, message: '' };
  if (error instanceof ConfigurationError) return { exitCode: EXIT.configuration, message: error.message };
  if (error instanceof AppError) return endingOfAppError(error);
  return endingOfDatabase(error) ?? { exitCode: EXIT.failure, message: explain(error) };
}

/** Of the command line's parser, which has printed its own message. */
function isParserError(error: unknown): error is { exitCode: number } {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('commander.');
}

function endingOfAppError({ key, message, errors = [] }: AppError): Ending {
  const isBusy = key === 'unavailable' || key === 'overloaded';
  const rules = errors.map(({ field, message: rule }) => `${field} ${rule}`);
  return {
    exitCode: isBusy ? EXIT.unavailable : EXIT.failure,
    message: rules.length > 0 ? rules.join('\n') : message,
  };
}

function endingOfDatabase(error: unknown): Ending | undefined {
  const cause = error instanceof QueryFailedError ? error.driverError : firstOf(error);
  if (cause instanceof DatabaseError) {
    const { code = '', message } = cause;
    const wrong = SET_UP_WRONG.find(([pattern]) => pattern.test(code) || pattern.test(message));
    if (wrong) return { exitCode: EXIT.configuration, message: `${wrong[1]} (${message})` };
  }
  if (!isDatabaseAway(cause)) return undefined;
  return {
    exitCode: EXIT.unavailable,
    message: `The database is not available: ${(cause as Error).message}`,
  };
}

/** Where every address of a host name was tried, there is an error for each. */
function firstOf(error: unknown): unknown {
  return error instanceof AggregateError && error.errors.length > 0 ? error.errors[0] : error;
}
