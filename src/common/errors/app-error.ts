import { entryOf, type ErrorKey } from './catalogue';

/** One broken rule of one field, as in `errors` of the problem document. */
export interface FieldError {
  field: string;
  code: string;
  message: string;
}

interface AppErrorOptions {
  /** A sentence for the caller about this very case; never internals, never input. */
  detail?: string;
  errors?: FieldError[];
  /** Seconds after which a retry is worth while. */
  retryAfter?: number;
  /** For the log only. */
  cause?: unknown;
}

/** The one error of the application: a key of the catalogue. Status and title stand there, once. */
export class AppError extends Error {
  readonly detail?: string;
  readonly errors?: FieldError[];
  readonly retryAfter?: number;

  constructor(
    readonly key: ErrorKey,
    { detail, errors, retryAfter, cause }: AppErrorOptions = {},
  ) {
    super(entryOf(key).title, { cause });
    this.name = 'AppError';
    this.detail = detail;
    this.errors = errors;
    this.retryAfter = retryAfter;
  }

  static invalid(field: string, code: string, message: string): AppError {
    return new AppError('validation_failed', { errors: [{ field, code, message }] });
  }
}
