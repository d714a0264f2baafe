import type { AddressInfo } from 'node:net';
import PostalMime, { type Email } from 'postal-mime';
import { SMTPServer } from 'smtp-server';

export interface Letter {
  to: string;
  subject: string;
  messageId: string;
  /** In milliseconds since the epoch. */
  receivedAt: number;
  text: string;
  html: string;
  /** The token of the first link with one. */
  token: string | undefined;
}

/** A real SMTP server that keeps what it receives. */
export class Mailbox {
  readonly letters: Letter[] = [];
  private readonly server: SMTPServer;

  /** @param delay for the server to make up its mind about a letter, in milliseconds */
  constructor({ delay = 0 } = {}) {
    const gone = new Set<string>();
    this.server = new SMTPServer({
      disabledCommands: ['AUTH', 'STARTTLS'],
      onClose: ({ id }) => void gone.add(id),
      onData: (stream, session, done) => {
        const chunks: Buffer[] = [];
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
        stream.on('end', () => {
          const to = session.envelope.rcptTo.map(({ address }) => address).join(',');
          void PostalMime.parse(Buffer.concat(chunks)).then(async (mail) => {
            if (delay > 0) await new Promise((resolve) => setTimeout(resolve, delay));
            // Who hung up before the answer knows that the letter was not taken.
            if (!gone.has(session.id)) this.letters.push(letterOf(to, mail));
            done();
          }, done);
        });
      },
    });
    // A client that disappears in mid-sentence was meant to.
    this.server.on('error', () => undefined);
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
  const token = /#token=([\w-]+)/.exec(text)?.[1];
  return { to, subject, messageId, receivedAt: Date.now(), text, html, token };
}
