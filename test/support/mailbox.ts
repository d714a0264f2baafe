import type { AddressInfo } from 'node:net';
import PostalMime, { type Email } from 'postal-mime';
import { SMTPServer } from 'smtp-server';

export interface Letter {
  to: string;
  subject: string;
  messageId: string;
  text: string;
  html: string;
  /** The token of the first link with one. */
  token: string | undefined;
}

/** A real SMTP server that keeps what it receives. */
export class Mailbox {
  readonly letters: Letter[] = [];
  private readonly server: SMTPServer;

  constructor() {
    this.server = new SMTPServer({
      disabledCommands: ['AUTH', 'STARTTLS'],
      onData: (stream, session, done) => {
        const chunks: Buffer[] = [];
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
        stream.on('end', () => {
          const to = session.envelope.rcptTo.map(({ address }) => address).join(',');
          void PostalMime.parse(Buffer.concat(chunks)).then((mail) => {
            this.letters.push(letterOf(to, mail));
            done();
          }, done);
        });
      },
    });
  }

  async listen(port = 0): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(port, '127.0.0.1', resolve));
    return `smtp://127.0.0.1:${(this.server.server.address() as AddressInfo).port}`;
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.server.close(() => resolve()));
  }

  to(address: string): Letter[] {
    return this.letters.filter(({ to }) => to === address);
  }

  /** Waits for the `count`th letter to an address and returns it. */
  async waitFor(address: string, count = 1, timeout = 15_000): Promise<Letter> {
    const deadline = Date.now() + timeout;
    while (this.to(address).length < count) {
      if (Date.now() > deadline)
        throw new Error(`letter ${count} to ${address} did not come within ${timeout} ms`);
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    return this.to(address)[count - 1]!;
  }
}

function letterOf(to: string, { subject = '', messageId = '', text = '', html = '' }: Email): Letter {
  return { to, subject, messageId, text, html, token: /#token=([\w-]+)/.exec(text)?.[1] };
}
