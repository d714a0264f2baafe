import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { loggedIn } from '../support/actors';
import { TestApp } from '../support/app';
import { createDatabase, type TestDatabase } from '../support/database';

/** The way to the database, which can stop to pass anything on, without a word to either side. */
class Wire {
  isSilent = false;
  private readonly sockets = new Set<Socket>();

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
    server.on('connection', (near) => wire.join(near, connect(Number(target.port), target.hostname)));
    return wire;
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }

  private join(near: Socket, far: Socket): void {
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      this.sockets.add(from);
      from.on('data', (bytes) => this.isSilent || to.write(bytes));
      from.on('error', () => undefined);
      from.on('close', () => {
        this.sockets.delete(from);
        if (!this.isSilent) to.destroy();
      });
    }
  }
}

describe('a network to the database that died without a word', () => {
  let database: TestDatabase;
  let wire: Wire;
  let app: TestApp;

  beforeAll(async () => {
    database = await createDatabase();
    wire = await Wire.to(database.url);
    app = await TestApp.start({ database: { ...database, url: wire.url } });
  });
  afterAll(async () => {
    wire.isSilent = false;
    await app.close();
    await wire.stop();
    await database.drop();
  });

  it('costs one time-out of 6 s and no second one for the rollback', async () => {
    const { token } = await loggedIn(app);
    const rename = async (name: string) => {
      const since = performance.now();
      const { status, body } = await app.http.put<{ code: string }>('/api/auth/profile', { name }, { token });
      return { status, code: body.code, ms: performance.now() - since };
    };
    expect(await rename('Ada')).toMatchObject({ status: 200 });
    wire.isSilent = true;
    const first = await rename('Bea');
    expect(first).toMatchObject({ status: 503, code: 'unavailable' });
    expect(first.ms).toBeLessThan(8_500);
  });
});
