import type { components } from '../src/schema.js';
import { createApi, type Api } from './api.js';
import { BearerTransport } from './bearer-transport.js';
import { CookieTransport } from './cookie-transport.js';
import { Presence, type Session, type SessionEvents, type SessionListener } from './presence.js';
import { foreign, type Result } from './problem.js';
import { PUBLIC_PATHS } from './public-paths.js';
import { memoryStore, type SessionStore } from './stores.js';
import { isSafe, type Transport } from './transport.js';
import { Wire, type Reply, type Route } from './wire.js';

type Schemas = components['schemas'];
export type User = Schemas['UserResponse'];

export interface ClientOptions {
  /** Where the service is; the origin of the page unless told. */
  baseUrl?: string;
  /** `bearer` unless told: tokens in a store. `cookie`: a cookie that scripts cannot read; for browsers. */
  transport?: 'bearer' | 'cookie';
  /** Of the bearer transport; `memoryStore()` unless told. */
  store?: SessionStore;
  fetch?: typeof globalThis.fetch;
  /** How long before the end `expiring` is told; 60 unless told, half of the session's life at most. */
  expiringSeconds?: number;
  /** Reading calls that are told to come back within so many seconds do it, once. 5 unless told; 0 for never. */
  patienceSeconds?: number;
  onSessionStarted?: SessionListener<'started'>;
  onSessionExpiring?: SessionListener<'expiring'>;
  onSessionEnded?: SessionListener<'ended'>;
}

/** No method throws for what the service or the network does: it is in `error`. */
export interface Gatehouse {
  readonly api: Api;
  /** Null while no session is known. */
  readonly session: Session | null;
  register(account: Schemas['RegisterRequest']): Promise<Result<Registration>>;
  login(credentials: { email: string; password: string }): Promise<Result<{ user: User }>>;
  /**
   * A bearer session is forgotten here even where the service cannot be told. A cookie session goes on in that case: only
   * the service can take the cookie away.
   */
  logout(): Promise<Result<{ message: string }>>;
  /** Ends all sessions of the user. Needs the password where the login is more than 5 minutes ago. */
  logoutEverywhere(options?: Schemas['EndSessionsRequest']): Promise<Result<{ revoked: number }>>;
  /** “Stay signed in”: a new access token, or a cookie session that lives longer. Finds a cookie session after a reload. */
  refresh(): Promise<Result<Session>>;
  /** Returns what takes the listener away again. */
  on<Name extends keyof SessionEvents>(event: Name, listener: SessionListener<Name>): () => void;
  /** Ends timers, channels and listeners. The session stays. */
  close(): void;
}

export interface Registration {
  user: User;
  /** Whether a letter with a link is on its way. Otherwise the user is logged in. */
  verificationRequired: boolean;
}

/** After these there is no session any more. */
const ENDINGS = new Set(['POST /api/auth/logout', 'DELETE /api/auth/profile']);
const LOGGED_OUT = { message: 'You are logged out' };

export function createClient(options: ClientOptions = {}): Gatehouse {
  return new Client(options);
}

class Client implements Gatehouse {
  readonly api: Api;
  private readonly wire: Wire;
  private readonly presence: Presence;
  private readonly transport: Transport;
  private readonly patienceSeconds: number;

  constructor(options: ClientOptions) {
    const {
      transport = 'bearer',
      store = memoryStore(),
      expiringSeconds = 60,
      patienceSeconds = 5,
    } = options;
    const baseUrl = (options.baseUrl || ownOrigin()).replace(/\/$/, '');
    // Looked up at each call: tests and tools put their own in its place.
    this.wire = new Wire((request) => (options.fetch ?? globalThis.fetch)(request));
    const isCookie = transport === 'cookie';
    const shared = isCookie ? `cookie:${baseUrl}` : store.name;
    const channelName = shared === undefined ? undefined : `gatehouse:${shared}`;
    this.presence = new Presence({ transport, expiringSeconds, channelName });
    if (options.onSessionStarted) this.on('started', options.onSessionStarted);
    if (options.onSessionExpiring) this.on('expiring', options.onSessionExpiring);
    if (options.onSessionEnded) this.on('ended', options.onSessionEnded);
    this.patienceSeconds = patienceSeconds;
    this.transport = isCookie
      ? new CookieTransport(baseUrl, this.wire, this.presence)
      : new BearerTransport(baseUrl, this.wire, this.presence, store);
    this.api = createApi(baseUrl, isCookie ? 'include' : undefined, (request, route) =>
      this.call(request, route),
    );
  }

  get session(): Session | null {
    return this.presence.session;
  }

  async register(account: Schemas['RegisterRequest']): Promise<Result<Registration>> {
    const { data, error, response } = await this.api.POST('/api/auth/register', { body: account });
    if (error) return { data: undefined, error };
    if (!data?.user) return { data: undefined, error: foreign(response, '/api/auth/register') };
    if ('verificationRequired' in data) return { data, error: undefined };
    if (this.transport.name === 'cookie') return this.changeToCookie(account, data);
    await this.transport.start(data, response);
    return { data: { user: data.user, verificationRequired: false }, error: undefined };
  }

  async login({ email, password }: { email: string; password: string }): Promise<Result<{ user: User }>> {
    const body = { email, password, transport: this.transport.name };
    const { data, error, response } = await this.api.POST('/api/auth/login', { body });
    if (error) return { data: undefined, error };
    if (!data?.user) return { data: undefined, error: foreign(response, '/api/auth/login') };
    await this.transport.start(data, response);
    return { data: { user: data.user }, error: undefined };
  }

  async logout(): Promise<Result<{ message: string }>> {
    const isBearer = this.transport.name === 'bearer';
    const { data, error } = await this.api.POST('/api/auth/logout');
    if (!error) return { data, error: undefined };
    if (isBearer) await this.transport.end('logged_out');
    return error.status === 401 ? { data: LOGGED_OUT, error: undefined } : { data: undefined, error };
  }

  async logoutEverywhere(options: Schemas['EndSessionsRequest'] = {}): Promise<Result<{ revoked: number }>> {
    const { data, error } = await this.api.POST('/api/auth/logout-all', { body: options });
    if (error) return { data: undefined, error };
    if (!options.exceptCurrent) await this.transport.end('logged_out');
    return { data, error: undefined };
  }

  refresh(): Promise<Result<Session>> {
    return this.transport.refresh();
  }

  on<Name extends keyof SessionEvents>(event: Name, listener: SessionListener<Name>): () => void {
    return this.presence.on(event, listener);
  }

  close(): void {
    this.presence.close();
  }

  /** A service that logs in who registers does it with tokens, whatever transport is meant. */
  private async changeToCookie(
    { email, password }: Schemas['RegisterRequest'],
    { user, access_token: token }: Schemas['TokensResponse'],
  ): Promise<Result<Registration>> {
    const { error } = await this.login({ email, password });
    // Nobody is to hold the first session. Should it not end now, it ends with its time.
    await this.api.POST('/api/auth/logout', { headers: { Authorization: `Bearer ${token}` } });
    return error
      ? { data: undefined, error }
      : { data: { user, verificationRequired: false }, error: undefined };
  }

  private async call(request: Request, route: Route): Promise<Reply> {
    // A call that brings its own credential means it.
    const isPlain = PUBLIC_PATHS.has(route.path) || request.headers.has('Authorization');
    const send = () =>
      isPlain ? this.wire.send(request.clone(), route) : this.transport.send(request, route);
    let reply = await send();
    if (isSafe(request) && this.isWorthWaiting(reply)) {
      await pause(reply.problem!.retryAfter! * 1000, request.signal);
      reply = await send();
    }
    if (!isPlain && !reply.problem && ENDINGS.has(`${request.method} ${route.path}`))
      await this.transport.end('logged_out');
    return reply;
  }

  private isWorthWaiting({ problem }: Reply): boolean {
    const isBusy = problem?.status === 429 || problem?.status === 503;
    return isBusy && problem.retryAfter !== undefined && problem.retryAfter <= this.patienceSeconds;
  }
}

/** Workers made from a blob have an origin but no addresses relative to it. */
function ownOrigin(): string {
  const { location } = globalThis as { location?: { origin?: string } };
  return location?.origin?.startsWith('http') ? location.origin : '';
}

/** Ends early where the call is aborted. */
function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener('abort', done, { once: true });
    if (signal.aborted) done();
    function done() {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
  });
}
