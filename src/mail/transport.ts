import { createTransport, type SMTPPoolOptions } from 'nodemailer';
import type { OnApplicationShutdown } from '@nestjs/common';
import { parseMailbox, type NamedAddress } from './address';

/** How many letters are handed over at the same time. */
const CONNECTIONS = 5;
/** Connecting with greeting and TLS, and every wait for an answer: a server that hangs is left after this. */
const TIMEOUT_MS = 9_000;
/** A server that dribbles its answers never runs into the other limit. Less than the lease of a try. */
const WHOLE_CONVERSATION_MS = 30_000;
/** Shorter than any server's own patience, so that it is we who part. */
const IDLE_MS = 5_000;

export interface Message {
  id: string;
  to: string;
  subject: string;
  text: string;
  html: string;
}

/** The way to the mail server: a few connections that are kept while there is something to send. */
export class Transport implements OnApplicationShutdown {
  private readonly from: NamedAddress;
  private readonly options: SMTPPoolOptions;
  private mailer?: ReturnType<Transport['open']>;

  constructor(smtpUrl: string, from: string) {
    this.from = parseMailbox(from);
    this.options = optionsOf(new URL(smtpUrl));
  }

  /**
   * Returns what the server said when it took the letter.
   *
   * @throws the error of nodemailer where the server has not taken the letter; see `smtpFailureOf`
   */
  async send({ id, to, subject, text, html }: Message, signal: AbortSignal): Promise<string> {
    this.mailer ??= this.open();
    const { response } = await this.mailer.sendMail({
      // The same for every try, so that receivers recognise a letter that comes twice (RFC 5322 §3.6.4).
      messageId: `<${id}@${this.from.address.split('@')[1]}>`,
      // Objects and not strings: nothing here is parsed.
      from: this.from,
      to: { name: '', address: to },
      envelope: { from: this.from.address, to: [to] },
      subject,
      text,
      html,
      // RFC 3834: no out-of-office answers to this.
      headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' },
      disableFileAccess: true,
      disableUrlAccess: true,
      signal: AbortSignal.any([signal, AbortSignal.timeout(WHOLE_CONVERSATION_MS)]),
    });
    return response;
  }

  onApplicationShutdown(): void {
    this.mailer?.close({ force: true });
  }

  /** Nodemailer is loaded here, at the first letter (40 ms). */
  private open() {
    return createTransport({ ...this.options, pool: true });
  }
}

/**
 * Only what is named here is taken from the URL: nodemailer itself would take any option from its query, such as one
 * that logs the conversation.
 */
export function optionsOf({ protocol, hostname, port, username, password }: URL): SMTPPoolOptions {
  const isLocal = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
  const isSecure = protocol === 'smtps:';
  const hasLogin = username !== '';
  return {
    host: hostname.replace(/^\[(.+)\]$/, '$1'),
    port: port === '' ? (isSecure ? 465 : 587) : Number(port),
    secure: isSecure,
    // A password goes over an encrypted connection or not at all. Without one, STARTTLS is used where it is offered.
    requireTLS: !isSecure && hasLogin && !isLocal,
    // Certificates are verified, but for STARTTLS within one machine, where there is nobody in between.
    tls: { rejectUnauthorized: isSecure || !isLocal },
    ...(hasLogin ? { auth: { user: decodeURIComponent(username), pass: decodeURIComponent(password) } } : {}),
    connectionTimeout: TIMEOUT_MS,
    greetingTimeout: TIMEOUT_MS,
    dnsTimeout: TIMEOUT_MS,
    socketTimeout: TIMEOUT_MS,
    socketCloseTimeout: 1_000,
    idleTimeout: IDLE_MS,
    maxConnections: CONNECTIONS,
    // The queue tries again, with the longer breath and where it is seen.
    maxRequeues: 0,
    logger: false,
  };
}
