import { connect, type Socket } from 'node:net';

export interface RawAnswer {
  /** Undefined where the connection was closed without an answer. */
  status: number | undefined;
  headers: Headers;
  /** Header lines as they came, the status line first. */
  head: string;
  body: string;
  /** Everything that came, further answers included. */
  text: string;
  /** Whether the server closed the connection. */
  isClosed: boolean;
  /** From the connection to the end, in milliseconds. */
  ms: number;
}

/** What is sent: the bytes, or whatever writes them to the socket and returns when it has. */
type Sent = string | Buffer | ((socket: Socket) => unknown);

/**
 * Speaks to the server without a client that would tidy up: sends the bytes and returns what comes, until the server
 * closes the connection or nothing has come for `patience` milliseconds.
 */
export function exchange(baseUrl: string, sent: Sent, patience = 1000): Promise<RawAnswer> {
  const { hostname, port } = new URL(baseUrl);
  const start = performance.now();
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const socket = connect(Number(port), hostname, () => {
      if (typeof sent === 'function') void sent(socket);
      else socket.write(sent);
    });
    let timer = setTimeout(() => finish(false), patience);
    const finish = (isClosed: boolean) => {
      clearTimeout(timer);
      socket.destroy();
      const text = Buffer.concat(chunks).toString('latin1');
      resolve({ ...parse(text), text, isClosed, ms: performance.now() - start });
    };
    socket.on('data', (chunk) => {
      chunks.push(chunk);
      clearTimeout(timer);
      timer = setTimeout(() => finish(false), patience);
    });
    // A reset is how a server closes on somebody who goes on sending.
    socket.on('error', () => undefined);
    socket.on('close', () => finish(true));
  });
}

/** A request as text: `Host` is added where there is none. */
export function request(line: string, headers: string[] = [], body = ''): string {
  const all = headers.some((header) => /^host/i.test(header)) ? headers : ['Host: localhost', ...headers];
  return `${line} HTTP/1.1\r\n${all.map((header) => `${header}\r\n`).join('')}\r\n${body}`;
}

function parse(text: string): Pick<RawAnswer, 'status' | 'headers' | 'head' | 'body'> {
  const end = text.indexOf('\r\n\r\n');
  const head = end < 0 ? text : text.slice(0, end);
  const [statusLine = '', ...lines] = head.split('\r\n');
  const headers = new Headers(
    lines.map((line) => /^([^:]+): ?(.*)$/.exec(line)!.slice(1, 3) as [string, string]),
  );
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(statusLine)?.[1]);
  return {
    status: Number.isNaN(status) ? undefined : status,
    headers,
    head,
    body: end < 0 ? '' : text.slice(end + 4, end + 4 + Number(headers.get('content-length') ?? 1e9)),
  };
}
