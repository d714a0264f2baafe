import type { TLSSocket } from 'node:tls';
import { Injectable } from '@nestjs/common';
import SMTPConnection from 'nodemailer/lib/smtp-connection';
import { newId } from '../common/crypto/tokens';
import { Config } from '../config/config';
import { isSendable } from './address';
import { optionsOf, Transport } from './transport';

export interface SmtpHandshake {
  /** Such as TLSv1.3; null where the conversation is not encrypted. */
  tls: string | null;
  /** Whether the server has shown a certificate for its name. */
  isVerified: boolean;
  isAuthenticated: boolean;
}

/** Talks to the mail server at once and beside the queue, for an operator who wants to know whether it would work. */
@Injectable()
export class SmtpCheckService {
  constructor(private readonly config: Config) {}

  /** False where letters go to the mailbox of a development server, which only that server can reach. */
  get isConfigured(): boolean {
    return this.config.mail.smtpUrl !== undefined;
  }

  /**
   * Greeting, EHLO, TLS and login as for a letter, and then good-bye.
   *
   * @throws the error of nodemailer; see `smtpFailureOf`
   */
  async handshake(): Promise<SmtpHandshake> {
    const { auth, ...options } = optionsOf(new URL(this.config.mail.smtpUrl!));
    const connection = new SMTPConnection(options);
    try {
      await new Promise<void>((resolve, reject) => {
        connection.once('error', reject);
        connection.once('end', () => reject(new Error('the server has closed the connection')));
        connection.connect((error) => (error ? reject(error) : resolve()));
      });
      if (auth)
        await new Promise<void>((resolve, reject) =>
          connection.login(auth, (error) => (error ? reject(error) : resolve())),
        );
      const { secure, _socket: stream } = connection;
      const socket = secure ? (stream as TLSSocket) : undefined;
      const tls = socket?.getProtocol() ?? null;
      connection.quit();
      return { tls, isVerified: socket?.authorized ?? false, isAuthenticated: connection.authenticated };
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  /**
   * Sends one letter and returns what the server said when it took it.
   *
   * @throws the error of nodemailer; see `smtpFailureOf`
   */
  async sendTest(to: string): Promise<string> {
    if (!isSendable(to)) throw new Error('no letter is sent to an address of this form');
    const { mail, http } = this.config;
    const transport = new Transport(mail.smtpUrl!, mail.from);
    const text = `This is a test letter of ${http.publicUrl}. If you can read it, letters arrive.\n`;
    try {
      const letter = { id: newId(), to, subject: 'Test letter', text, html: `<p>${text.trim()}</p>` };
      return await transport.send(letter, new AbortController().signal);
    } finally {
      transport.onApplicationShutdown();
    }
  }
}
