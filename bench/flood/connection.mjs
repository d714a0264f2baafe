import { connect } from 'node:net';

const HEAD_END = '\r\n\r\n';

/**
 * One HTTP connection at a time, kept as long as the server keeps it. On a raw socket: an HTTP client would cost the load
 * generator more than an answer costs the server.
 */
export class Connection {
  #port;
  #socket;
  #answer = '';
  #waiting;

  constructor(port) {
    this.#port = port;
    this.#socket = this.#open();
  }

  /** @returns status and headers of the answer, and whether it was refused in the queue rather than at the door */
  send(message) {
    this.#answer = '';
    this.#waiting = Promise.withResolvers();
    this.#socket ??= this.#open();
    this.#socket.write(message);
    return this.#waiting.promise;
  }

  /** An answer that is still missing does not come any more. */
  close() {
    this.#waiting = undefined;
    this.#socket?.destroy();
  }

  #open() {
    const socket = connect({ port: this.#port, host: '127.0.0.1', noDelay: true }).setEncoding('latin1');
    socket.on('data', (chunk) => this.#take(chunk));
    socket.on('error', () => {});
    socket.on('close', () => {
      if (socket === this.#socket) this.#waiting?.reject(new Error('the server closed the connection'));
    });
    return socket;
  }

  #take(chunk) {
    this.#answer += chunk;
    const end = this.#answer.indexOf(HEAD_END);
    if (end < 0) return;
    const head = this.#answer.slice(0, end);
    const length = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0);
    if (this.#answer.length < end + HEAD_END.length + length) return;
    if (/^connection: close/im.test(head)) this.#socket = undefined;
    const retryAfter = /^retry-after: (\d+)/im.exec(head)?.[1];
    this.#waiting?.resolve({
      status: Number(head.slice(9, 12)),
      retryAfter: retryAfter && Number(retryAfter),
      hasWaited: this.#answer.includes('place in the queue', end),
    });
  }
}

export function message(method, path, { address, token, body } = {}) {
  const text = body === undefined ? '' : JSON.stringify(body);
  const headers = [
    'Host: 127.0.0.1',
    ...(address ? [`X-Forwarded-For: ${address}`] : []),
    ...(token ? [`Authorization: Bearer ${token}`] : []),
    ...(body === undefined ? [] : ['Content-Type: application/json', `Content-Length: ${text.length}`]),
  ];
  return `${method} ${path} HTTP/1.1\r\n${headers.join('\r\n')}${HEAD_END}${text}`;
}

export function login(email, password, address) {
  return message('POST', '/api/auth/login', { address, body: { email, password } });
}

/** Middle, 99th of a hundred and longest, of how many. Empty for none. */
export function summary(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (part) => sorted[Math.floor(part * (sorted.length - 1))];
  return { count: sorted.length, p50: at(0.5), p99: at(0.99), max: sorted.at(-1) };
}

/** Keeps the values of each key. */
export function collect(into, key, value) {
  (into[key] ??= []).push(value);
}

export const summaries = (collected) =>
  Object.fromEntries(Object.entries(collected).map(([key, values]) => [key, summary(values)]));
