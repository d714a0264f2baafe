import { setTimeout as sleep } from 'node:timers/promises';
import {
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { Gauge, Registry } from 'prom-client';
import { DataSource, type EntityManager } from 'typeorm';
import { Clock } from '../common/clock';
import { Transactions } from '../database/transactions';
import { describe } from '../jobs/job';
import { Throttle } from '../common/throttle';
import { AuditAlarms, type Alarm } from './audit-alarms';
import { AuditChain, type Entry, type Head, type Pending } from './audit-chain';
import { AuditKeys } from './audit-keys';
import { monthOf } from './audit-rows';
import { rangesOf, without } from './sequence-ranges';

const LOOK_EVERY_MS = 1_000;
const BATCH = 500;
/** How often the newest link goes to the log, where whoever owns the database cannot take it back. */
const ANNOUNCE_EVERY_MS = 60_000;
const FINISH_MS = 2_000;

/**
 * Links committed events into the chain, about once a second and one replica at a time, so that no request waits for
 * another. It takes what is pending, not what is newer than the last: transactions commit in any order.
 */
@Injectable()
export class AuditSealer implements OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown {
  private readonly logger = new Logger(AuditSealer.name);
  private readonly throttle = new Throttle();
  private readonly stopping = new AbortController();
  private readonly age: Gauge;
  private running: Promise<void> = Promise.resolve();
  /** The newest link this process has written: who cuts the chain has to outlive every process that knows it. */
  private known?: Head;
  private announced = { sequence: 0, at: -Infinity };

  constructor(
    private readonly chain: AuditChain,
    private readonly keys: AuditKeys,
    private readonly alarms: AuditAlarms,
    private readonly transactions: Transactions,
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
    registry: Registry,
  ) {
    this.age = new Gauge({
      name: 'gatehouse_audit_unsealed_seconds',
      help: 'Age of the oldest audit event that is not in the chain yet',
      registers: [registry],
    });
  }

  onApplicationBootstrap(): void {
    this.running = this.run();
  }

  beforeApplicationShutdown(): void {
    this.stopping.abort();
  }

  /** When the last request has been answered: it is linked too. */
  async onApplicationShutdown(): Promise<void> {
    await Promise.race([this.finish(), sleep(FINISH_MS, undefined, { ref: false })]);
  }

  /** Links what waits, unless another process is at it. Reports what goes wrong and never fails. */
  async seal(): Promise<void> {
    try {
      const oldest = await this.chain.oldestPending(this.dataSource.manager);
      this.age.set(oldest ? Math.max(0, this.clock.now().getTime() - oldest.getTime()) / 1_000 : 0);
      if (oldest) while ((await this.sealBatch()) === BATCH);
      this.announce(ANNOUNCE_EVERY_MS);
    } catch (error) {
      this.report(error);
    }
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      await sleep(LOOK_EVERY_MS, undefined, { signal, ref: false }).catch(() => undefined);
      if (!signal.aborted) await this.seal();
    }
  }

  private async finish(): Promise<void> {
    await this.running;
    await this.seal();
    this.announce(0);
  }

  /** Returns how many events were taken: 0 where another process is at it. */
  private async sealBatch(): Promise<number> {
    const { taken, head, alarms } = await this.transactions.run(async (tx) => {
      const alarms: Alarm[] = [];
      if (!(await this.chain.lock(tx, { isPatient: false }))) return { taken: 0, alarms };
      const last = await this.lastLink(alarms, tx);
      const { taken, pending } = await this.chain.takePending(BATCH, tx);
      const entries = pending.flatMap((one) => this.entryOf(one, alarms));
      return { taken, head: await this.chain.append(last, entries, tx), alarms };
    });
    if (head) this.known = head;
    for (const alarm of alarms) this.alarms.raise(alarm);
    return taken;
  }

  /**
   * What the next link follows. Where links are gone, the sequences go on behind the highest that anybody remembers: the
   * gap stays for the verification to find.
   */
  private async lastLink(alarms: Alarm[], tx: EntityManager): Promise<Head> {
    const { noted, newest } = await this.chain.heads(tx);
    const isIntact = isSame(noted, newest) && (!this.known || (await this.isThere(this.known, tx)));
    if (!isIntact) alarms.push({ kind: 'broken', sequence: noted.sequence });
    return [newest, noted, ...(this.known ? [this.known] : [])].reduce((highest, head) =>
      head.sequence > highest.sequence ? head : highest,
    );
  }

  private async isThere({ sequence, hash }: Head, tx: EntityManager): Promise<boolean> {
    if ((await this.chain.hashAt(sequence, tx))?.equals(hash)) return true;
    const dropped = rangesOf(await this.chain.dropped(tx));
    return without({ first: sequence, last: sequence }, dropped).length === 0;
  }

  /** Forged events get no link: that tells them from events that were changed afterwards. */
  private entryOf({ eventId, eventCreatedAt, event }: Pending, alarms: Alarm[]): Entry[] {
    const entry = { month: monthOf(eventCreatedAt), eventId, eventCreatedAt, dropped: null };
    if (!event) {
      alarms.push({ kind: 'removed', id: eventId });
      return [{ ...entry, eventMac: null }];
    }
    if (this.keys.judge(event) === 'forged') {
      alarms.push({ kind: 'forged', id: eventId });
      return [];
    }
    return [{ ...entry, eventMac: event.mac }];
  }

  private announce(every: number): void {
    const { known, announced } = this;
    if (!known || known.sequence === announced.sequence || performance.now() - announced.at < every) return;
    this.announced = { sequence: known.sequence, at: performance.now() };
    const { sequence, hash } = known;
    const msg = `the audit trail is linked up to ${sequence}`;
    this.logger.log({ event: 'audit.sealed', sequence, hash: hash.toString('hex'), msg });
  }

  private report(error: unknown): void {
    const details = describe(error);
    const suppressed = this.throttle.pass(details.code ?? details.error);
    if (suppressed === undefined) return;
    const msg = 'audit events wait for their links';
    this.logger.error({ event: 'audit.unsealed', ...details, suppressed, msg });
  }
}

function isSame(a: Head, b: Head): boolean {
  return a.sequence === b.sequence && a.hash.equals(b.hash);
}
