import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import PostalMime, { type Email } from 'postal-mime';

/** A reply such as `550 5.1.1 no`; silence; or the end of the connection. */
export type Reply = string | 'hang' | 'drop';
/** Where a mail server can misbehave: at the greeting, the recipient, or after the letter. */
export type Moment = 'greeting' | 'recipient' | 'letter';
/** Undefined is the ordinary friendly reply. */
export type Behaviour = (moment: Moment, recipient: string) => Reply | undefined;

const FRIENDLY: Record<Moment, string> = {
  greeting: '220 test ESMTP',
  recipient: '250 ok',
  letter: '250 taken',
};

/** A mail server that misbehaves on request. It keeps every letter that was handed over completely, taken or not. */
export class MailServer {
  readonly letters: { to: string; mail: Email; reply: Reply }[] = [];
  behaviour: Behaviour = () => undefined;
  private readonly sockets = new Set<Socket>();
  private server?: Server;

  async listen(port = 0): Promise<string> {
    const server = createServer((socket) => this.converse(socket));
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    this.server = server;
    return `smtp://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => (this.server ? this.server.close(resolve) : resolve(undefined)));
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }

  to(address: string) {
    return this.letters.filter(({ to }) => to === address);
  }

  private converse(socket: Socket): void {
    let recipient = '';
    let buffer = '';
    let isInLetter = false;
    this.sockets.add(socket.on('close', () => this.sockets.delete(socket)).on('error', () => undefined));
    const say = (moment: Moment): Reply => {
      const reply = this.behaviour(moment, recipient) ?? FRIENDLY[moment];
      if (reply === 'drop') socket.destroy();
      else if (reply !== 'hang') socket.write(`${reply}\r\n`);
      return reply;
    };
    const takeLetter = async (raw: string) => {
      const to = recipient;
      const mail = await PostalMime.parse(raw);
      this.letters.push({ to, mail, reply: say('letter') });
    };
    say('greeting');
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      buffer += chunk;
      for (let end = endOf(buffer, isInLetter); end >= 0; end = endOf(buffer, isInLetter)) {
        const part = buffer.slice(0, end);
        buffer = buffer.slice(end + (isInLetter ? 5 : 2));
        if (isInLetter) {
          isInLetter = false;
          void takeLetter(part);
        } else if (/^RCPT TO:/i.test(part)) {
          recipient = /<(.*)>/.exec(part)?.[1] ?? '';
          say('recipient');
        } else if (/^DATA/i.test(part)) {
          isInLetter = true;
          socket.write('354 go on\r\n');
        } else if (/^QUIT/i.test(part)) socket.end('221 bye\r\n');
        else socket.write('250 ok\r\n');
      }
    });
  }
}

function endOf(buffer: string, isInLetter: boolean): number {
  return buffer.indexOf(isInLetter ? '\r\n.\r\n' : '\r\n');
}
