import { createHash } from 'node:crypto';

/** Each connection keeps as many plans at most; what comes later goes without. */
const MOST_NAMES = 300;

/**
 * Under which names statements are prepared: PostgreSQL reads and plans a named one once for a connection. A name is
 * made of the text, so that it can never stand for another statement, in whatever process.
 */
export class StatementNames {
  private readonly names = new Map<string, string>();
  private renewals = 0;

  /** Undefined where there are enough of them. */
  of(text: string): string | undefined {
    const known = this.names.get(text);
    if (known !== undefined || this.names.size === MOST_NAMES) return known;
    const name = `${createHash('sha256').update(text).digest('base64url').slice(0, 32)}-${this.renewals}`;
    this.names.set(text, name);
    return name;
  }

  /** New names for all, on every connection: what is prepared under the old ones is out of date. */
  renew(): void {
    this.renewals++;
    this.names.clear();
  }
}

/**
 * Whether a prepared statement failed because a migration has changed the type of what it returns, or because the
 * server does not know it any more. It did nothing then, and prepared anew it works.
 */
export function isOutOfDate(error: unknown): boolean {
  const { code, routine } = Object(
    (error as { driverError?: unknown } | undefined)?.driverError ?? error,
  ) as {
    code?: unknown;
    routine?: unknown;
  };
  return (code === '0A000' && routine === 'RevalidateCachedQuery') || code === '26000';
}
