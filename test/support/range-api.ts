import { createHash } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface RangeQuestion {
  path: string;
  headers: IncomingHttpHeaders;
}

/** What a range API does instead of answering. */
export type Misbehaviour = (response: ServerResponse) => void;

/** A range API of breached passwords, as Pwned Passwords is one, that misbehaves on request. */
export class RangeApi {
  readonly questions: RangeQuestion[] = [];
  misbehaviour?: Misbehaviour;
  /** How each line reads. */
  format = (suffix: string, count: number) => `${suffix}:${count}`;
  private readonly counts = new Map<string, number>();
  private readonly server = createServer((request, response) => {
    const path = request.url!;
    this.questions.push({ path, headers: request.headers });
    if (this.misbehaviour) return this.misbehaviour(response);
    const prefix = path.slice('/range/'.length);
    const own = [...this.counts].filter(([hash]) => hash.startsWith(prefix));
    const lines = own.map(([hash, count]) => this.format(hash.slice(5), count));
    response.end([...padding(400), ...lines, ...padding(400)].join('\r\n'));
  });

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/range/`;
  }

  /** Puts a password on the list; 0 is how padding reads. */
  list(password: string, count = 7): void {
    this.counts.set(sha1(password), count);
  }

  /** How often the range of a password was asked for. */
  timesAsked(password: string): number {
    return this.questions.filter(({ path }) => path === `/range/${sha1(password).slice(0, 5)}`).length;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.server.closeAllConnections();
    await closed;
  }
}

export function sha1(text: string): string {
  return createHash('sha1').update(text, 'utf8').digest('hex').toUpperCase();
}

function padding(count: number): string[] {
  return Array.from({ length: count }, (_, number) => `${sha1(`padding ${number}`).slice(5)}:0`);
}
