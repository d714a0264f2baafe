import { QueryFailedError } from 'typeorm';

/** Whether a write failed because the row that the named foreign key points at is not there, or not any more. */
export function isForeignKeyViolation(error: unknown, constraint: string): boolean {
  if (!(error instanceof QueryFailedError)) return false;
  const { code, constraint: violated } = error.driverError as { code?: string; constraint?: string };
  return code === '23503' && violated === constraint;
}
