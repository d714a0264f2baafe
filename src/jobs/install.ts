import { setTimeout as sleep } from 'node:timers/promises';
import type { ClientBase } from 'pg';
import type { PgBoss, QueueResult } from 'pg-boss';
import { createInstallingBoss } from './boss';
import { QUEUE_NAMES, QUEUES } from './queues';

const INDEX_DEADLINE_MS = 10 * 60_000;

/**
 * Creates or upgrades the schema of the job queue and brings every queue to the settings in `QUEUES`. Finds nothing to
 * do when run again. pg-boss holds an advisory lock while it changes its schema, so several replicas may run it at once.
 *
 * @param client a direct connection whose role may create schemas, not one through a transaction pooler
 */
export async function installJobs(client: ClientBase): Promise<void> {
  const boss = createInstallingBoss(client);
  // An emitter without a listener for 'error' would end the process; what matters is rejected as well.
  boss.on('error', () => undefined);
  try {
    await boss.start();
    const present = new Map((await boss.getQueues()).map((queue) => [queue.name, queue]));
    for (const name of QUEUE_NAMES) if (!isAsWanted(name, present.get(name))) await installQueue(boss, name);
    await indexesBuilt(boss);
  } finally {
    await boss.stop({ graceful: false, close: false });
  }
}

function isAsWanted(name: keyof typeof QUEUES, queue: QueueResult | undefined): boolean {
  const settings = Object.entries(QUEUES[name].policy) as [keyof QueueResult, unknown][];
  return queue !== undefined && settings.every(([setting, wanted]) => queue[setting] === wanted);
}

async function installQueue(boss: PgBoss, name: keyof typeof QUEUES): Promise<void> {
  const { policy: settings } = QUEUES[name];
  await boss.createQueue(name, settings);
  const { policy: _unchangeable, ...rest } = settings as typeof settings & { policy?: string };
  await boss.updateQueue(name, rest);
}

/** An upgrade of pg-boss builds indexes after the fact, and only where it may change the schema: here. */
async function indexesBuilt(boss: PgBoss): Promise<void> {
  const deadline = Date.now() + INDEX_DEADLINE_MS;
  while ((await boss.getBamStatus()).some(({ status }) => status === 'pending' || status === 'in_progress')) {
    if (Date.now() > deadline)
      throw new Error('pg-boss did not finish building its indexes within 10 minutes');
    await sleep(500);
  }
}
