import { workerData } from 'node:worker_threads';

/** What a worker is told when it starts. Tests force the fallback; otherwise the platform decides. */
export interface HashWorkerData {
  engine?: 'bcryptjs';
}

export interface HashTask {
  password: string;
  cost: number;
}

export interface CompareTask {
  password: string;
  /** The first decides; the others are compared for the time it takes. */
  hashes: string[];
}

interface Engine {
  hash(password: string, cost: number): string;
  compare(password: string, hash: string): boolean;
}

// Runs compiled in production; under Jest Node itself strips the types. So: erasable syntax, no imports of ours.
const engine = loadEngine();

export async function hash({ password, cost }: HashTask): Promise<string> {
  return (await engine).hash(password, cost);
}

export async function compare({ password, hashes }: CompareTask): Promise<boolean> {
  const loaded = await engine;
  const [isRight = false] = hashes.map((each) => loaded.compare(password, each));
  return isRight;
}

/** The functions are the synchronous ones: the asynchronous ones of the native package would fill libuv's threads. */
async function loadEngine(): Promise<Engine> {
  if ((workerData as HashWorkerData | null)?.engine !== 'bcryptjs') {
    try {
      const { hashSync, verifySync } = await import('@node-rs/bcrypt');
      return { hash: (password, cost) => hashSync(password, cost), compare: verifySync };
    } catch {
      // The package is optional and has no binary for some platforms.
    }
  }
  const { default: bcryptjs } = await import('bcryptjs');
  return { hash: bcryptjs.hashSync, compare: bcryptjs.compareSync };
}
