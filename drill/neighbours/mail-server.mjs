import { once } from 'node:events';
import { createServer } from 'node:net';
import PostalMime from 'postal-mime';
import { freePort } from './processes.mjs';

const FRIENDLY = { greeting: '220 drill ESMTP', recipient: '250 ok', letter: '250 taken' };

/**
 * A mail server that misbehaves on request. `behaviour(moment, recipient)` gives a reply such as `450 4.2.0 later`, `hang`,
 * `drop`, or undefined for the friendly one. It keeps every letter that it got completely, whatever it said to it.
 */
export class MailServer {
  letters = [];
  behaviour = () => undefined;
  sockets = new Set();

  static async start() {
    const server = new MailServer();
    server.port = await freePort();
    await server.listen();
    return server;
  }

  async listen() {
    this.server = createServer((socket) => this.converse(socket)).listen(this.port, '127.0.0.1');
    await once(this.server, 'listening');
  }

  /** Gone: conversations are cut, and new ones refused. */
  close() {
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
  }

  friendly() {
    this.behaviour = () => undefined;
  }

  converse(socket) {
    let recipient = '';
    let buffer = '';
    let isInLetter = false;
    this.sockets.add(socket);
    socket.on('close', () => this.sockets.delete(socket)).on('error', () => undefined);
    const say = (moment) => {
      const reply = this.behaviour(moment, recipient) ?? FRIENDLY[moment];
      if (reply === 'drop') socket.destroy();
      else if (reply !== 'hang') socket.write(`${reply}\r\n`);
      return reply;
    };
    say('greeting');
    socket.setEncoding('latin1').on('data', (chunk) => {
      buffer += chunk;
      for (let end = endOf(buffer, isInLetter); end >= 0; end = endOf(buffer, isInLetter)) {
        const part = buffer.slice(0, end);
        buffer = buffer.slice(end + (isInLetter ? 5 : 2));
        if (isInLetter) {
          isInLetter = false;
          // What it refuses it has not: RFC 5321 §6.1.
          const reply = say('letter');
          if (!/^[45]/.test(reply)) void this.keep(recipient, part);
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

  async keep(to, raw) {
    const at = performance.now();
    const { subject, messageId, text } = await PostalMime.parse(raw);
    this.letters.push({ to, subject, messageId, at, token: /#token=([^\s>)\]]+)/.exec(text ?? '')?.[1] });
  }
}

function endOf(buffer, isInLetter) {
  return buffer.indexOf(isInLetter ? '\r\n.\r\n' : '\r\n');
}
