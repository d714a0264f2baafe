import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const DIST = join(__dirname, '../../dist');

export interface Exit {
  /** Null where a signal ended the process. */
  code: number | null;
  output: string;
}

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

  /** Resolves when it is ready; where it never is, rejects with what it printed. */
  static async start(env: Record<string, string>, folder = newFolder()): Promise<Server> {
    const server = await Server.launch(env, folder);
    try {
      await server.ready();
    } catch (error) {
      await server.stop('SIGKILL');
      throw error;
    }
    return server;
  }

  /** Without waiting for anything; in a process group of its own where asked, as a shell does it. */
  static async launch(env: Record<string, string>, folder = newFolder(), inGroup = false): Promise<Server> {
    const port = env.PORT ?? String(await freePort());
    const child = spawnNode(['server/main.js'], { PORT: port, ...env }, folder, inGroup);
    return new Server(`http://localhost:${port}`, folder, child);
  }

  async ready(): Promise<void> {
    const deadline = Date.now() + 60_000;
    while (Date.now() < deadline && this.isRunning) {
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
    if (this.isRunning) this.child.kill(signal);
    return (await this.exit()).code;
  }

  /** Sends the signal, at once and without waiting; to the whole process group where it was launched in one. */
  signal(signal: NodeJS.Signals, { toGroup = false } = {}): void {
    process.kill(toGroup ? -this.child.pid! : this.child.pid!, signal);
  }

  /** Waits for the end. */
  async exit(): Promise<Exit> {
    if (this.isRunning) await new Promise((resolve) => this.child.once('close', resolve));
    return { code: this.child.exitCode, output: this.output };
  }

  removeFolder(): void {
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }

  private get isRunning(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }
}

/** Runs one of the built programs to its end. */
export async function runProgram(args: string[], env: Record<string, string>, folder: string): Promise<Exit> {
  const child = spawnNode(args, env, folder);
  let output = '';
  for (const stream of [child.stdout!, child.stderr!])
    stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, output };
}

export function newFolder(): string {
  return mkdtempSync(join(tmpdir(), 'gatehouse-server-'));
}

export async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

/** In a clean environment: the developer's own settings must not change what is tested. */
function spawnNode(
  [program, ...args]: string[],
  env: Record<string, string>,
  folder: string,
  detached = false,
): ChildProcess {
  const { PATH, HOME } = process.env;
  return spawn(process.execPath, [join(DIST, program!), ...args], {
    cwd: folder,
    env: { PATH, HOME, BCRYPT_COST: '4', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached,
  });
}
