import { setTimeout as sleep } from 'node:timers/promises';

const EVERY_MS = 250;
const PATIENCE_MS = 2_500;

/** Asks every replica for its probes, past the proxy. */
export class Watch {
  /** `{ replica, path, at, ms, status }`; the status of a probe without an answer is 0. */
  probes = [];

  constructor(replicas) {
    this.replicas = replicas;
  }

  start() {
    this.probes = [];
    this.isOn = true;
    this.running = this.replicas.flatMap((replica) => [
      this.ask(replica, '/health/live'),
      this.ask(replica, '/health/ready'),
    ]);
  }

  async stop() {
    this.isOn = false;
    await Promise.all(this.running);
  }

  async ask(replica, path) {
    while (this.isOn) {
      const startedAt = performance.now();
      const status = await replica.get(path, PATIENCE_MS).then(
        async (response) => {
          await response.text();
          return response.status;
        },
        () => 0,
      );
      const at = performance.now();
      this.probes.push({ replica: replica.name, path, startedAt, at, ms: at - startedAt, status });
      await sleep(EVERY_MS);
    }
  }
}
