import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** A TCP line to the database that a test can cut, silence and mend. */
export class Wire {
  private readonly sockets = new Set<Socket>();
  private state: 'whole' | 'cut' | 'silent' = 'whole';

  private constructor(
    readonly url: string,
    private readonly server: Server,
  ) {}

  static async to(databaseUrl: string): Promise<Wire> {
    const target = new URL(databaseUrl);
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = new URL(databaseUrl);
    url.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const wire = new Wire(url.href, server);
    server.on('connection', (socket) => wire.join(socket, target));
    return wire;
  }

  /** Ends the connections; new ones are refused. */
  cut(): void {
    this.state = 'cut';
    this.drop();
  }

  /** Passes nothing on and says nothing. */
  silence(): void {
    this.state = 'silent';
  }

  mend(): void {
    this.state = 'whole';
    this.drop();
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.drop();
    await closed;
  }

  private join(near: Socket, { hostname, port }: URL): void {
    if (this.state === 'cut') return void near.destroy();
    const far = connect(Number(port), hostname);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      this.sockets.add(from);
      from.on('data', (chunk) => this.state === 'whole' && to.write(chunk));
      from.on('error', () => undefined);
      from.on('close', () => {
        this.sockets.delete(from);
        if (this.state !== 'silent') to.destroy();
      });
    }
  }

  private drop(): void {
    for (const socket of this.sockets) socket.destroy();
  }
}
