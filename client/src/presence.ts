import type { ErrorCode } from './problem.js';
import { quietly } from './timer.js';

/** What is known of the session without asking the service. */
export interface Session {
  transport: 'bearer' | 'cookie';
  /**
   * By the clock of this device. Bearer: the end of the access token, which the next call renews. Cookie: the end of the
   * session, which every call puts off.
   */
  expiresAt: Date;
}

/** `logged_out` here or in another tab; otherwise the code with which the service refused the session. */
export type EndReason = 'logged_out' | ErrorCode;

export interface SessionEvents {
  /** By a login here or in another tab. It may be somebody else's: what is shown of the one before is to go. */
  started: Session;
  /** It ends in `expiringSeconds` unless it is used or `refresh()` is called. */
  expiring: Session;
  /** It goes on for longer, by use here or in another tab: a warning can be taken away. */
  renewed: Session;
  ended: { reason: EndReason };
}

export type SessionListener<Name extends keyof SessionEvents> = (event: SessionEvents[Name]) => void;

/** What one tab tells the others, and of which session. No secrets: those are in the store. */
export type Message =
  | { event: 'started' | 'renewed'; expiresAt: number; id?: string }
  | { event: 'ended'; reason: EndReason; id?: string };

interface Channel {
  addEventListener(type: 'message', listener: (message: { data: Message }) => void): void;
  postMessage(message: Message): void;
  close(): void;
  /** Node: does not keep the process. */
  unref?(): void;
}

interface Options {
  transport: Session['transport'];
  expiringSeconds: number;
  /** Undefined where nobody shares the session. */
  channelName: string | undefined;
}

/** The longest delay that timers know. */
const LONGEST_MS = 2 ** 31 - 1;
/** So that what is asked at the end is asked after it. */
const AFTER_MS = 1000;

/** What this tab knows of the session: it tells the application, and the other tabs. */
export class Presence {
  /** When another tab has told something. */
  onMessage: (message: Message) => void = () => undefined;
  /** When the known end has passed without anything having put it off. */
  onEnd: () => void = () => undefined;
  private known: Session | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private channel: Channel | undefined;
  private isClosed = false;
  private readonly listeners = new Map<keyof SessionEvents, Set<SessionListener<never>>>();

  constructor(private readonly options: Options) {
    this.channel = openChannel(options.channelName);
    this.channel?.addEventListener('message', ({ data }) => this.onMessage(data));
    this.channel?.unref?.();
  }

  get session(): Session | null {
    return this.known;
  }

  on<Name extends keyof SessionEvents>(name: Name, listener: SessionListener<Name>): () => void {
    const all = this.listeners.get(name) ?? new Set();
    this.listeners.set(name, all.add(listener));
    return () => void all.delete(listener);
  }

  /** A session is there that was not, or another one. */
  started(expiresAt: number): void {
    const session = this.know(expiresAt);
    this.emit('started', session);
  }

  /** The same session goes on for longer. */
  renewed(expiresAt: number): void {
    this.emit('renewed', this.know(expiresAt));
  }

  /** Tells nobody where no session was known. */
  ended(reason: EndReason): void {
    if (!this.known) return;
    this.known = null;
    clearTimeout(this.timer);
    this.emit('ended', { reason });
  }

  tellOthers(message: Message): void {
    this.channel?.postMessage(message);
  }

  close(): void {
    this.isClosed = true;
    clearTimeout(this.timer);
    this.channel?.close();
    // Calls may go on, and a closed channel throws at them.
    this.channel = undefined;
    this.listeners.clear();
    this.onEnd = this.onMessage = () => undefined;
  }

  private know(expiresAt: number): Session {
    const session: Session = { transport: this.options.transport, expiresAt: new Date(expiresAt) };
    this.known = session;
    // Of a short life half at most: a listener that renews the session at once must not be told again at once.
    const lead = Math.min(this.options.expiringSeconds * 1000, (expiresAt - Date.now()) / 2);
    this.wakeAt(expiresAt - lead, () => {
      // A computer that slept through it has nothing to warn of.
      if (Date.now() < expiresAt) this.emit('expiring', session);
      this.wakeAt(expiresAt + AFTER_MS, () => this.onEnd());
    });
    return session;
  }

  private wakeAt(time: number, then: () => void): void {
    clearTimeout(this.timer);
    if (this.isClosed) return;
    const delay = Math.max(0, time - Date.now());
    this.timer = quietly(
      () => (Date.now() < time ? this.wakeAt(time, then) : then()),
      Math.min(delay, LONGEST_MS),
    );
  }

  private emit<Name extends keyof SessionEvents>(name: Name, event: SessionEvents[Name]): void {
    for (const listener of [...(this.listeners.get(name) ?? [])] as SessionListener<Name>[])
      try {
        listener(event);
      } catch (error) {
        // As with DOM events: it is the application's to hear of, and not the call's to fail of.
        queueMicrotask(() => {
          throw error;
        });
      }
  }
}

function openChannel(name: string | undefined): Channel | undefined {
  const { BroadcastChannel } = globalThis as { BroadcastChannel?: new (name: string) => unknown };
  if (name === undefined || !BroadcastChannel) return undefined;
  try {
    return new BroadcastChannel(name) as Channel;
  } catch {
    // Frames without an origin have none; each of them is alone.
    return undefined;
  }
}
