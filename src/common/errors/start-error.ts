import { DatabaseError } from 'pg';

/** The process cannot start or do what it was called for; its message tells the operator why and what to do. */
export class StartError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StartError';
  }
}

/** What an operator reads about the end of a process: a sentence where that is enough, the stack for a mistake of ours. */
export function explain(error: unknown): string {
  // Every address of a host name was tried.
  if (error instanceof AggregateError && error.errors.length > 0) return explain(error.errors[0]);
  if (!(error instanceof Error)) return String(error);
  const { code, syscall, port } = error as NodeJS.ErrnoException & { port?: number };
  if (code === 'EADDRINUSE')
    return `Port ${port} is in use: stop what listens there, or set PORT to another one`;
  const isSentence = error instanceof StartError || error instanceof DatabaseError || syscall !== undefined;
  return isSentence ? error.message : (error.stack ?? error.message);
}
