import type { AddressInfo } from 'node:net';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type PostalMime from 'postal-mime';
import type * as SmtpServer from 'smtp-server';
import { newId } from '../../common/crypto/tokens';

const KEPT = 100;
const LARGEST_LETTER = 1024 * 1024;

export interface ReceivedLetter {
  id: string;
  to: string;
  from: string;
  subject: string;
  messageId: string;
  receivedAt: Date;
  text: string;
  html?: string;
  /** Every web address in it, in the order of its text. */
  links: string[];
}

/**
 * The mailbox for development: letters go to a real SMTP server in this process, which keeps the latest hundred in
 * memory instead of delivering them.
 */
@Injectable()
export class Mailbox implements OnApplicationShutdown {
  private readonly received: ReceivedLetter[] = [];
  private server?: SmtpServer.SMTPServer;

  /** Newest first, of one recipient or of all. */
  letters(to?: string): ReceivedLetter[] {
    const wanted = to?.toLowerCase();
    return this.received.filter((letter) => wanted === undefined || letter.to.toLowerCase() === wanted);
  }

  find(id: string): ReceivedLetter | undefined {
    return this.received.find((letter) => letter.id === id);
  }

  /** Opens a free port on this machine only and returns the address for SMTP_URL. */
  async listen(): Promise<string> {
    const { SMTPServer } = developmentOnly<typeof SmtpServer>('smtp-server');
    const server = new SMTPServer({
      disabledCommands: ['AUTH', 'STARTTLS'],
      disableReverseLookup: true,
      size: LARGEST_LETTER,
      closeTimeout: 50,
      onData: (stream, session, done) => void this.receive(stream, session).then(() => done(), done),
    });
    // A client that disappears in mid-sentence is no reason to end the process.
    server.on('error', () => undefined);
    await new Promise<void>((resolve, reject) => {
      server.server.once('error', reject);
      server.listen(0, '127.0.0.1', resolve);
    });
    server.server.unref();
    this.server = server;
    return `smtp://127.0.0.1:${(server.server.address() as AddressInfo).port}`;
  }

  async onApplicationShutdown(): Promise<void> {
    await new Promise<void>((resolve) => (this.server ? this.server.close(() => resolve()) : resolve()));
  }

  private async receive(
    stream: SmtpServer.SMTPServerDataStream,
    { envelope }: SmtpServer.SMTPServerSession,
  ): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    const Parser = developmentOnly<typeof PostalMime>('postal-mime');
    const mail = await Parser.parse(Buffer.concat(chunks));
    const text = mail.text ?? '';
    this.received.unshift({
      id: newId(),
      to: envelope.rcptTo.map(({ address }) => address).join(', '),
      from: mail.from?.name ? `${mail.from.name} <${mail.from.address}>` : (mail.from?.address ?? ''),
      subject: mail.subject ?? '',
      messageId: mail.messageId ?? '',
      receivedAt: new Date(),
      text,
      ...(mail.html ? { html: mail.html } : {}),
      links: [...new Set<string>(text.match(/https?:\/\/[^\s<>"']+/g))],
    });
    this.received.splice(KEPT);
  }
}

/** Loaded only when the mailbox is used: production is installed without development dependencies. */
function developmentOnly<T>(name: string): T {
  try {
    return require(name) as T;
  } catch (cause) {
    throw new Error(`The development mailbox needs the package ${name}: install it, or set SMTP_URL`, {
      cause,
    });
  }
}
