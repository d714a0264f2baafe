type MaybePromise<Value> = Value | Promise<Value>;

/** What is kept of a bearer session. Times in milliseconds since the epoch, by the clock of this device. */
export interface StoredSession {
  userId: string;
  startedAt: number;
  accessToken: string;
  /** When the access token runs out. */
  expiresAt: number;
  refreshToken: string;
}

/** Where a bearer session is kept. It may fail: what it does not keep is kept in memory. */
export interface SessionStore {
  /** Clients that share what is stored share this name: it names their lock and their channel. Without it nobody shares. */
  readonly name?: string;
  load(): MaybePromise<StoredSession | null>;
  /** Null removes it. */
  save(session: StoredSession | null): MaybePromise<void>;
}

/** The default: a session ends for this page with the page, and no other script finds it in a known place. */
export function memoryStore(): SessionStore {
  let stored: StoredSession | null = null;
  return {
    load: () => stored,
    save: (session) => {
      stored = session;
    },
  };
}

/**
 * Shared by all tabs and kept when they close. Any script that runs on the page can read it: one XSS hole gives the
 * session away, for use from anywhere. Where the service is on the same site, the cookie transport is the safer choice.
 */
export function localStorageStore(key = 'gatehouse.session'): SessionStore {
  // Looked up at each use: only to touch it throws in some private modes and frames.
  const storage = () => (globalThis as unknown as { localStorage: Storage }).localStorage;
  return {
    name: key,
    load: () => JSON.parse(storage().getItem(key) ?? 'null') as StoredSession | null,
    save: (session) => {
      if (session) storage().setItem(key, JSON.stringify(session));
      else storage().removeItem(key);
    },
  };
}

interface Storage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

/** A store that never fails. */
export class ReliableStore {
  private remembered: StoredSession | null = null;
  private isFailing = false;

  constructor(private readonly store: SessionStore) {}

  /** What is there at once; a promise where the store takes its time. */
  begin(): MaybePromise<StoredSession | null> {
    try {
      const stored = this.store.load();
      if (!isPromise(stored)) return (this.remembered = sound(stored));
      stored.catch(() => undefined);
      return this.load();
    } catch {
      return null;
    }
  }

  async load(): Promise<StoredSession | null> {
    if (this.isFailing) return this.remembered;
    try {
      this.remembered = sound(await this.store.load());
    } catch {
      // What was there last is the best there is.
    }
    return this.remembered;
  }

  async save(session: StoredSession | null): Promise<void> {
    this.remembered = session;
    this.isFailing = false;
    try {
      await this.store.save(session);
    } catch {
      this.isFailing = true;
      await this.remove();
    }
  }

  /** A tab that found the refresh token from before would present it, and the service would take it for a thief's. */
  private async remove(): Promise<void> {
    try {
      await this.store.save(null);
    } catch {
      // Then nothing can be done, and most likely nothing is there.
    }
  }
}

function isPromise<Value>(value: MaybePromise<Value>): value is Promise<Value> {
  return typeof (value as Partial<Promise<Value>> | null)?.then === 'function';
}

/** Null for what this version cannot use, whoever wrote it. */
function sound(stored: StoredSession | null | undefined): StoredSession | null {
  const { userId, startedAt, accessToken, expiresAt, refreshToken } =
    stored ?? ({} as Partial<StoredSession>);
  const isText = [userId, accessToken, refreshToken].every((value) => typeof value === 'string');
  const isTime = [startedAt, expiresAt].every((value) => typeof value === 'number');
  return isText && isTime ? (stored as StoredSession) : null;
}
