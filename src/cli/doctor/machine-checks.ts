import { fail, ok, warn, type Finding } from './finding';

const OLDEST_NODE = 24;

/** The machine that the command runs on, which should be one that the service runs on. */
export async function checkMachine(): Promise<Finding[]> {
  const node = process.versions.node;
  return [
    Number.parseInt(node, 10) >= OLDEST_NODE
      ? ok('node', `Node.js ${node}`)
      : fail('node', `Node.js ${node}`, `run it on Node.js ${OLDEST_NODE} or newer`),
    await hashingFinding(),
  ];
}

async function hashingFinding(): Promise<Finding> {
  try {
    await import('@node-rs/bcrypt');
    return ok('bcrypt', 'the native binary is there');
  } catch {
    return warn(
      'bcrypt',
      'no native binary for this platform: hashing takes several times as long',
      'install with optional dependencies: npm ci --include=optional',
    );
  }
}
