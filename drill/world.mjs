import { cpSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Haproxy } from './neighbours/haproxy.mjs';
import { MailServer } from './neighbours/mail-server.mjs';
import { Postgres } from './neighbours/postgres.mjs';
import { freePort } from './neighbours/processes.mjs';
import { Redis } from './neighbours/redis.mjs';
import { Replica } from './neighbours/replica.mjs';
import { Wire } from './neighbours/wire.mjs';
import { Client } from './oracle/client.mjs';
import { Ledger } from './oracle/ledger.mjs';
import { Load } from './oracle/load.mjs';
import { Watch } from './oracle/watch.mjs';
import { PRODUCTION } from './settings.mjs';

/** Two replicas, all their neighbours, and an oracle that knows what they have promised. */
export async function createWorld(folder) {
  const build = copyOfBuild(folder);
  const [postgres, redis, mail] = await Promise.all([
    Postgres.start(folder),
    Redis.start(folder),
    MailServer.start(),
  ]);
  const wire = await Wire.to(postgres.port);
  const env = {
    ...PRODUCTION,
    DATABASE_URL: postgres.url(wire.port),
    REDIS_URL: redis.url,
    SMTP_URL: `smtp://127.0.0.1:${mail.port}`,
  };
  const further = async (name) =>
    new Replica(name, { build, folder, env, port: await freePort(), metricsPort: await freePort() });
  const replicas = [await further('one'), await further('two')];
  await Promise.all(replicas.map((replica) => replica.start()));
  const haproxy = await Haproxy.start(folder, replicas);
  const ledger = new Ledger();
  const load = new Load(new Client(haproxy.port), ledger, mail);
  await load.prepare();
  const clients = replicas.map(({ port }) => new Client(port));
  const watch = new Watch(replicas);
  const stop = async () => {
    await Promise.all(replicas.map((replica) => replica.stop('SIGKILL')));
    await Promise.all([haproxy.stop(), redis.kill(), postgres.stop('SIGINT')]);
  };
  return { postgres, redis, mail, wire, replicas, haproxy, ledger, load, clients, watch, further, stop };
}

/** Somebody may build while the drill runs, and a replica that starts again must be the one that ended. */
function copyOfBuild(folder) {
  const build = join(folder, 'build');
  const here = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
  for (const path of ['dist', 'web', 'package.json'])
    cpSync(here(path), join(build, path), { recursive: true });
  symlinkSync(here('node_modules'), join(build, 'node_modules'));
  return build;
}
