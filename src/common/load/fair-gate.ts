import type { AppError } from '../errors/app-error';
import type { Caller } from './caller';
import { FairQueue } from './fair-queue';
import type { Refusal } from './load-shedding';

interface FairGateOptions {
  /** Jobs that run at once. */
  width: number;
  /** Jobs that may wait. */
  room: number;
  /** Milliseconds after which a job that still waits is refused. */
  patience: number;
  refuse(reason: Refusal): AppError;
  /** Seconds that an admitted job has waited. */
  onAdmitted(seconds: number): void;
}

/** Whoever waits for a place. */
interface Ticket {
  admit(): void;
  turnAway(error: AppError): void;
}

/** Lets so many jobs run at once; the others wait in a queue in which each address has a fair share. */
export class FairGate {
  private readonly queue: FairQueue<Ticket>;
  private running = 0;

  constructor(private readonly options: FairGateOptions) {
    this.queue = new FairQueue(options.room);
  }

  /** Jobs that wait. */
  get queueSize(): number {
    return this.queue.size;
  }

  isFullFor(address: string): boolean {
    return this.queue.isFullFor(address);
  }

  /**
   * @throws what `refuse` makes: at once, when another address displaces the job, when it has waited for too long, or when
   *   its client hangs up
   */
  async pass<Result>(caller: Caller, job: () => Promise<Result>): Promise<Result> {
    const since = performance.now();
    await this.enter(caller);
    this.options.onAdmitted((performance.now() - since) / 1000);
    try {
      return await job();
    } finally {
      this.leave();
    }
  }

  /** Turns everybody away who waits. What runs is left alone. */
  dismiss(error: AppError): void {
    for (const ticket of this.queue.drain()) ticket.turnAway(error);
  }

  private async enter({ address, signal }: Caller): Promise<void> {
    if (signal?.aborted) throw this.options.refuse('client_gone');
    if (this.running < this.options.width) {
      this.running += 1;
      return;
    }
    let patience: NodeJS.Timeout | undefined;
    await new Promise<void>((admit, turnAway) => {
      const ticket: Ticket = { admit, turnAway };
      // Others with a better right may come for ever.
      patience = setTimeout(() => this.giveUp(address, ticket, 'too_long'), this.options.patience);
      const loser = this.queue.push(address, ticket);
      loser?.turnAway(this.options.refuse(loser === ticket ? 'queue_full' : 'displaced'));
      signal?.addEventListener('abort', () => this.giveUp(address, ticket, 'client_gone'), { once: true });
    }).finally(() => clearTimeout(patience));
  }

  /** Nobody waits for the answer any more, or not for much longer, so nobody shall wait behind it. */
  private giveUp(address: string, ticket: Ticket, reason: Refusal): void {
    if (this.queue.remove(address, ticket)) ticket.turnAway(this.options.refuse(reason));
  }

  /** Hands the place on, so that nobody slips in between. */
  private leave(): void {
    const next = this.queue.shift();
    if (next) next.admit();
    else this.running -= 1;
  }
}
