import { rmSync } from 'node:fs';

export default async function globalTeardown(): Promise<void> {
  await globalThis.embeddedPostgres?.stop();
  if (globalThis.embeddedPostgres)
    rmSync(globalThis.embeddedPostgres.dataDir, { recursive: true, force: true });
}
