export type Status = 'ok' | 'warn' | 'fail';

/** What one check has found. `advice` says in one line what to do, where there is something to do. */
export interface Finding {
  check: string;
  status: Status;
  message: string;
  advice?: string;
}

export function ok(check: string, message: string): Finding {
  return { check, status: 'ok', message };
}

export function warn(check: string, message: string, advice: string): Finding {
  return { check, status: 'warn', message, advice };
}

export function fail(check: string, message: string, advice: string): Finding {
  return { check, status: 'fail', message, advice };
}

/** A check that could not be made is a finding as well: one failure must not hide the others. */
export async function attempt(
  check: string,
  advice: string,
  work: () => Promise<Finding[]>,
): Promise<Finding[]> {
  try {
    return await work();
  } catch (error) {
    return [
      fail(check, (error as Error).message || (error as { code?: string }).code || 'it failed', advice),
    ];
  }
}
