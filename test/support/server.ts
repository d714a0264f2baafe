import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const MAIN = join(__dirname, '../../dist/src/main.js');

/** The built server as its own process in its own folder, for what only processes can show. */
export class Server {
  output = '';

  private constructor(
    readonly baseUrl: string,
    readonly folder: string,
    private readonly child: ChildProcess,
  ) {
    for (const stream of [child.stdout!, child.stderr!])
      stream.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
  }

  static async start(
    env: Record<string, string>,
    folder = mkdtempSync(join(tmpdir(), 'gatehouse-server-')),
  ): Promise<Server> {
    const port = await freePort();
    // A clean environment: the developer's own settings must not change what is tested.
    const { PATH, HOME } = process.env;
    const child = spawn(process.execPath, [MAIN], {
      cwd: folder,
      env: { PATH, HOME, PORT: String(port), BCRYPT_COST: '4', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const server = new Server(`http://localhost:${port}`, folder, child);
    await server.ready();
    return server;
  }

  private async ready(): Promise<void> {
    const deadline = Date.now() + 25_000;
    while (Date.now() < deadline && this.child.exitCode === null) {
      const isReady = await fetch(`${this.baseUrl}/health/ready`).then(
        ({ ok }) => ok,
        () => false,
      );
      if (isReady) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`the server did not become ready:\n${this.output}`);
  }

  /** Sends the signal and waits for the end. Returns the exit code, null where the signal itself ended it. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const exited = new Promise((resolve) => this.child.once('exit', resolve));
      this.child.kill(signal);
      await exited;
    }
    return this.child.exitCode;
  }

  removeFolder(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}
