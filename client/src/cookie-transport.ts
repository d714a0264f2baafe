import type { components } from '../src/schema.js';
import type { EndReason, Presence, Session } from './presence.js';
import { foreign, type Result } from './problem.js';
import { isOver, isSafe, type LoginAnswer, type Transport } from './transport.js';
import type { Reply, Route, Wire } from './wire.js';

type Schemas = components['schemas'];

/** The CSRF token, or why there is none. */
type Csrf = { token: string } | { refusal: Reply };

const CSRF: Route = { path: '/api/auth/csrf', parseAs: 'json' };
const SESSIONS: Route = { path: '/api/auth/sessions', parseAs: 'json' };
/** The service notes the use of a session, which puts its end off, at most this often. */
const USE_RESOLUTION_MS = 60_000;

/** A cookie that scripts cannot read. The browser carries it; what is left to do is to prove that a call is the page's own. */
export class CookieTransport implements Transport {
  readonly name = 'cookie';
  private csrfToken: string | undefined;
  private csrfRequest: Promise<Csrf> | undefined;
  /** How long a use keeps the session, as far as is known, and when one was last counted. */
  private lifetime: number | undefined;
  private usedAt = 0;

  constructor(
    private readonly baseUrl: string,
    private readonly wire: Wire,
    private readonly presence: Presence,
  ) {
    presence.onMessage = (message) => {
      if (message.event === 'ended') this.forget(message.reason);
      else this.hear(message.event, message.expiresAt);
    };
    // Use elsewhere may have put it off, so only the service knows.
    presence.onEnd = () => void this.refresh();
  }

  async send(request: Request, route: Route): Promise<Reply> {
    const reply = isSafe(request)
      ? await this.wire.send(request.clone(), route)
      : await this.sendProven(request, route);
    if (isOver(reply)) await this.end(reply.problem!.code);
    else if (!reply.problem) this.putOff();
    return reply;
  }

  async start(answer: LoginAnswer, response: Response): Promise<void> {
    if (!('csrfToken' in answer)) return;
    this.csrfToken = answer.csrfToken;
    const expiresAt = localTime(answer.expiresAt, response);
    this.learn(expiresAt);
    this.presence.started(expiresAt);
    this.presence.tellOthers({ event: 'started', expiresAt });
  }

  /** Asking is a use of the session, and the answer says until when it lives now. */
  async refresh(): Promise<Result<Session>> {
    const reply = await this.send(this.request(SESSIONS), SESSIONS);
    if (reply.problem) return { data: undefined, error: reply.problem };
    const devices = (await reply.response.json()) as Schemas['DeviceResponse'][];
    const current = Array.isArray(devices) && devices.find((device) => device.current);
    if (!current) return { data: undefined, error: foreign(reply.response, SESSIONS.path) };
    const expiresAt = localTime(current.expiresAt, reply.response);
    this.learn(expiresAt);
    const isNew = !this.presence.session;
    if (isNew) this.presence.started(expiresAt);
    else this.presence.renewed(expiresAt);
    this.presence.tellOthers({ event: 'renewed', expiresAt });
    return { data: { transport: this.name, expiresAt: new Date(expiresAt) }, error: undefined };
  }

  async end(reason: EndReason): Promise<void> {
    const wasKnown = this.presence.session !== null;
    this.forget(reason);
    if (wasKnown) this.presence.tellOthers({ event: 'ended', reason });
  }

  private async sendProven(request: Request, route: Route): Promise<Reply> {
    const csrf = await this.csrf();
    if ('refusal' in csrf) return csrf.refusal;
    const reply = await this.sendWith(csrf.token, request, route);
    if (reply.problem?.code !== 'csrf_failed') return reply;
    // A login in another tab, or new secrets of the service.
    if (this.csrfToken === csrf.token) this.csrfToken = undefined;
    const renewed = await this.csrf();
    return 'refusal' in renewed ? renewed.refusal : this.sendWith(renewed.token, request, route);
  }

  private sendWith(token: string, request: Request, route: Route): Promise<Reply> {
    const proven = request.clone();
    proven.headers.set('X-CSRF-Token', token);
    return this.wire.send(proven, route);
  }

  private csrf(): Promise<Csrf> {
    if (this.csrfToken !== undefined) return Promise.resolve({ token: this.csrfToken });
    this.csrfRequest ??= this.fetchCsrf().finally(() => {
      this.csrfRequest = undefined;
    });
    return this.csrfRequest;
  }

  private async fetchCsrf(): Promise<Csrf> {
    const reply = await this.wire.send(this.request(CSRF), CSRF);
    if (reply.problem) return { refusal: reply };
    const { csrfToken: token } = (await reply.response.json()) as Partial<Schemas['CsrfResponse']>;
    if (!token) return { refusal: { ...reply, problem: foreign(reply.response, CSRF.path) } };
    this.csrfToken = token;
    return { token };
  }

  private request({ path }: Route): Request {
    return new Request(this.baseUrl + path, { credentials: 'include' });
  }

  private learn(expiresAt: number): void {
    this.usedAt = Date.now();
    this.lifetime = expiresAt - this.usedAt;
  }

  /** As the service does it. */
  private putOff(): void {
    const now = Date.now();
    if (this.lifetime === undefined || now - this.usedAt < USE_RESOLUTION_MS) return;
    this.usedAt = now;
    this.presence.renewed(now + this.lifetime);
    this.presence.tellOthers({ event: 'renewed', expiresAt: now + this.lifetime });
  }

  private hear(event: 'started' | 'renewed', expiresAt: number): void {
    this.learn(expiresAt);
    if (event === 'started') this.csrfToken = undefined;
    if (event === 'started' || !this.presence.session) this.presence.started(expiresAt);
    else this.presence.renewed(expiresAt);
  }

  private forget(reason: EndReason): void {
    this.csrfToken = this.lifetime = undefined;
    this.presence.ended(reason);
  }
}

/** A time of the service by the clock here, where the answer says what time it is there; to the second. */
function localTime(time: string, response: Response): number {
  const there = Date.parse(response.headers.get('Date') ?? '');
  return Date.parse(time) + (Number.isNaN(there) ? 0 : Date.now() - there);
}
