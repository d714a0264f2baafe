/** One job as its handler sees it. */
export interface Job<Data extends object = object> {
  /** Stable over all tries. */
  id: string;
  data: Data;
  /** Tries that were begun before this one. */
  tries: number;
  /** If this try fails, the job is parked. */
  isLastTry: boolean;
  /** Aborted when the lease of this try runs out or the process stops. */
  signal: AbortSignal;
}

/** Resolves when the job is done. Whatever it throws makes the job wait for its next try. */
export type JobHandler<Data extends object = object> = (job: Job<Data>) => Promise<void>;

/**
 * A failed try that its handler has reported already. `details` are kept with the job, where an operator finds them;
 * they must not contain addresses or secrets.
 */
export class JobError extends Error {
  constructor(
    readonly details: Record<string, string | number | undefined>,
    /** No further try would succeed: the job is parked at once. */
    readonly isPermanent: boolean,
  ) {
    super('a job failed');
    this.name = 'JobError';
  }
}

/** What may be kept and logged of an unknown error: its message may quote a row, an address or a server's answer. */
export function describe(error: unknown): { error: string; code?: string; at?: string } {
  const { name, code, stack } = Object(error) as { name?: unknown; code?: unknown; stack?: unknown };
  return {
    error: typeof name === 'string' ? name : 'Error',
    ...(typeof code === 'string' ? { code } : {}),
    ...(typeof stack === 'string' ? { at: framesOf(stack) } : {}),
  };
}

function framesOf(stack: string): string {
  const frames = stack.split('\n').filter((line) => /^\s+at /.test(line));
  return frames
    .map((line) => line.trim())
    .slice(0, 3)
    .join(' < ');
}
