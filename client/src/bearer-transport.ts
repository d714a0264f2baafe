import type { components } from '../src/schema.js';
import { exclusively } from './lock.js';
import type { EndReason, Message, Presence, Session } from './presence.js';
import { unauthenticated, type Result } from './problem.js';
import { ReliableStore, type SessionStore, type StoredSession } from './stores.js';
import { quietly } from './timer.js';
import { isOver, type LoginAnswer, type Transport } from './transport.js';
import { noAnswer, type Reply, type Route, type Wire } from './wire.js';

type Tokens = components['schemas']['TokensResponse'];

/** A session that can be used now, or why there is none. */
type Renewal = { session: StoredSession } | { refusal: Reply };

const REFRESH: Route = { path: '/api/auth/refresh', parseAs: 'json' };
/** Other tabs wait meanwhile. An answer that comes later is lost, which the service forgives. */
const REFRESH_TIMEOUT_MS = 15_000;
/** A token that would run out on the way is not sent. */
const ON_THE_WAY_MS = 5_000;
/** A second in all, for a store to show what another tab has put in. */
const STORE_WAITS_MS = [0, 20, 80, 200, 700];

/**
 * An access token with each call, and new ones from the refresh token. They are fetched when a call needs them, never by
 * a timer: a tab that nobody uses must not keep a session alive, and browsers slow the timers of hidden tabs down.
 */
export class BearerTransport implements Transport {
  readonly name = 'bearer';
  private readonly store: ReliableStore;
  private readonly lockName: string | object;
  /** By the refresh token they present: calls that need the same one share its answer, its failure too. */
  private readonly renewals = new Map<string, Promise<Renewal>>();
  /** The session that presence has been told of. */
  private told: StoredSession | null = null;
  /** The session that ended last; a store may show it for a moment longer. */
  private overId: string | undefined;

  constructor(
    private readonly baseUrl: string,
    private readonly wire: Wire,
    private readonly presence: Presence,
    store: SessionStore,
  ) {
    this.store = new ReliableStore(store);
    this.lockName = store.name === undefined ? store : `gatehouse:${store.name}`;
    presence.onMessage = (message) => void this.hear(message);
    const stored = this.store.begin();
    if (stored instanceof Promise) void stored.then((session) => this.tell(session));
    else if (stored) {
      // No event: whoever makes the client sees it at once.
      this.told = stored;
      presence.renewed(stored.expiresAt);
    }
  }

  async send(request: Request, route: Route): Promise<Reply> {
    const stored = await this.look();
    if (!stored) return this.wire.send(request.clone(), route);
    const isFresh = stored.expiresAt - Date.now() > ON_THE_WAY_MS;
    const renewal = isFresh ? { session: stored } : await this.renew(stored, request.signal);
    if ('refusal' in renewal) return renewal.refusal;
    const reply = await this.sendAs(renewal.session, request, route);
    return isFresh && isOver(reply) ? this.sendAgain(stored, reply, request, route) : reply;
  }

  async start(answer: LoginAnswer): Promise<void> {
    if (!('access_token' in answer)) return;
    const session = storedFrom(answer, Date.now());
    await exclusively(this.lockName, () => this.keep(session));
    this.presence.tellOthers({ event: 'started', expiresAt: session.expiresAt, id: idOf(session) });
  }

  async refresh(): Promise<Result<Session>> {
    const stored = await this.look();
    const renewal = stored && (await this.renew(stored));
    if (!renewal) return { data: undefined, error: unauthenticated(REFRESH.path) };
    if ('refusal' in renewal) return { data: undefined, error: renewal.refusal.problem! };
    const { expiresAt } = renewal.session;
    return { data: { transport: this.name, expiresAt: new Date(expiresAt) }, error: undefined };
  }

  end(reason: EndReason): Promise<void> {
    return exclusively(this.lockName, () => this.remove(reason));
  }

  private async sendAgain(used: StoredSession, refused: Reply, request: Request, route: Route) {
    if (refused.problem?.code === 'session_revoked') {
      await exclusively(this.lockName, () => this.removeIf(used, 'session_revoked'));
      return refused;
    }
    const renewal = await this.renew(used, request.signal, refused);
    return 'refusal' in renewal ? renewal.refusal : this.sendAs(renewal.session, request, route);
  }

  private sendAs({ accessToken }: StoredSession, request: Request, route: Route): Promise<Reply> {
    const authorized = request.clone();
    authorized.headers.set('Authorization', `Bearer ${accessToken}`);
    return this.wire.send(authorized, route);
  }

  private async renew(used: StoredSession, signal?: AbortSignal, refused?: Reply): Promise<Renewal> {
    const key = used.refreshToken;
    let renewal = this.renewals.get(key);
    if (!renewal) {
      renewal = exclusively(this.lockName, () => this.exchange(used, refused));
      this.renewals.set(key, renewal);
      const forget = () => this.renewals.delete(key);
      renewal.then(forget, forget);
    }
    return signal ? orAborted(renewal, signal) : renewal;
  }

  /**
   * Runs alone among all tabs: the one before may have done it all. Where the store shows that a moment late, as browsers
   * may with localStorage, the old token is presented again, and the service forgives that for 10 seconds.
   */
  private async exchange(used: StoredSession, refused?: Reply): Promise<Renewal> {
    const current = await this.look();
    // Whoever logged in meanwhile did not make this call.
    if (!current || idOf(current) !== idOf(used)) return { refusal: refused ?? this.nobody() };
    if (current.accessToken !== used.accessToken) return { session: current };
    const reply = await this.wire.send(this.refreshRequest(current), REFRESH);
    const session = reply.problem ? undefined : await renewedFrom(reply.response, current);
    if (session) {
      // Kept before it is used: its use is what makes the token before it a stolen one.
      await this.keep(session);
      this.presence.tellOthers({ event: 'renewed', expiresAt: session.expiresAt, id: idOf(session) });
      return { session };
    }
    // Without an answer from the service itself the session stays: it may be as good as before.
    if (isOver(reply) || reply.problem?.code === 'validation_failed') await this.remove(reply.problem!.code);
    return { refusal: reply.problem ? reply : noAnswer(undefined, REFRESH) };
  }

  private refreshRequest({ refreshToken }: StoredSession): Request {
    return new Request(this.baseUrl + REFRESH.path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ refresh_token: refreshToken }),
      signal: AbortSignal.timeout(REFRESH_TIMEOUT_MS),
    });
  }

  private nobody(): Reply {
    const problem = unauthenticated(REFRESH.path);
    return { response: new Response(null, { status: 401 }), problem };
  }

  private async keep(session: StoredSession): Promise<void> {
    await this.store.save(session);
    this.tell(session);
  }

  private async removeIf(session: StoredSession, reason: EndReason): Promise<void> {
    const current = await this.store.load();
    if (current && idOf(current) === idOf(session)) await this.remove(reason);
  }

  private async remove(reason: EndReason): Promise<void> {
    await this.store.save(null);
    if (this.told) {
      this.overId = idOf(this.told);
      this.presence.tellOthers({ event: 'ended', reason, id: this.overId });
    }
    this.tell(null, reason);
  }

  /** A store may show later what a channel tells: localStorage is a copy in each tab of a browser. */
  private async hear(message: Message): Promise<void> {
    if (message.event === 'ended') {
      this.overId = message.id;
      if (this.told && idOf(this.told) === message.id) this.tell(null, message.reason);
      return;
    }
    for (const wait of STORE_WAITS_MS) {
      await new Promise<void>((resolve) => quietly(resolve, wait));
      const stored = await this.store.load();
      const isThere = stored && idOf(stored) === message.id && stored.expiresAt >= message.expiresAt;
      if (isThere && message.id !== this.overId) return this.tell(stored);
    }
  }

  /** Reads the store: another tab may have changed it. */
  private async look(): Promise<StoredSession | null> {
    const found = await this.store.load();
    const stored = found && idOf(found) === this.overId ? null : found;
    this.tell(stored);
    return stored;
  }

  private tell(stored: StoredSession | null, reasonIfGone: EndReason = 'logged_out'): void {
    const before = this.told;
    this.told = stored;
    if (!stored) this.presence.ended(reasonIfGone);
    else if (!before || idOf(before) !== idOf(stored)) this.presence.started(stored.expiresAt);
    else if (before.accessToken !== stored.accessToken) this.presence.renewed(stored.expiresAt);
  }
}

/** The same from the login to the end. */
function idOf({ userId, startedAt }: StoredSession): string {
  return `${userId} ${startedAt}`;
}

function storedFrom(tokens: Tokens, startedAt: number): StoredSession {
  return {
    userId: tokens.user.id,
    startedAt,
    accessToken: tokens.access_token,
    // From the seconds left, not from a point in time: the clocks need not agree.
    expiresAt: Date.now() + tokens.expires_in * 1000,
    refreshToken: tokens.refresh_token,
  };
}

/** Undefined for a success that is none: something in between has answered in JSON of its own. */
async function renewedFrom(response: Response, { startedAt }: StoredSession) {
  const tokens = (await response.json().catch(() => undefined)) as Partial<Tokens> | undefined;
  return tokens?.access_token && tokens.refresh_token && tokens.user
    ? storedFrom(tokens as Tokens, startedAt)
    : undefined;
}

/** The renewal goes on for the others. */
function orAborted(renewal: Promise<Renewal>, signal: AbortSignal): Promise<Renewal> {
  return new Promise((resolve, reject) => {
    const abort = () => resolve({ refusal: noAnswer(signal.reason, REFRESH) });
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    renewal.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
