import { randomInt } from 'node:crypto';
import { Injectable, Logger } from '@nestjs/common';
import type { FastifyInstance, FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify';
import { Counter, Registry } from 'prom-client';
import { Config } from '../../config/config';
import type { ExpensiveRoute } from '../access/expensive.decorator';
import { AppError } from '../errors/app-error';
import { addressKey } from '../http/address-key';
import { addressOf } from '../http/client-info';
import { Throttle } from '../throttle';
import { runFor } from './caller';
import { EventLoopLag } from './event-loop-lag';
import { RefusalPace } from './refusal-pace';

/**
 * Why work is not done: the event loop lags; the gate is full for this address; another address had a better right to
 * the place in the queue; others had one for too long; the client did not wait for its answer.
 */
export type Refusal = 'event_loop' | 'queue_full' | 'displaced' | 'too_long' | 'client_gone';

/** Something with a queue. Tells before any work is done whether a newcomer of this address would be turned away. */
interface Gate {
  isFullFor(address: string): boolean;
}

/** Who was let in and had to go again is told so: it took longer. */
const WAITED = new Set<Refusal>(['displaced', 'too_long']);
const AT_ONCE = refusals();
const AFTER_WAITING = refusals('Others had a better right to its place in the queue, try again shortly');

/**
 * Refuses what is expensive while there is too much of it, so that the rest stays quick: routes marked `@Expensive()`
 * are answered 503 before their body is read, all others never notice. See docs/load-shedding.md.
 */
@Injectable()
export class LoadShedding {
  private readonly logger = new Logger(LoadShedding.name);
  private readonly gates: Gate[] = [];
  private readonly refusals: Counter<'reason'>;
  private readonly pace = new RefusalPace();
  private readonly throttle = new Throttle();

  constructor(
    private readonly lag: EventLoopLag,
    private readonly config: Config,
    registry: Registry,
  ) {
    this.refusals = new Counter({
      name: 'gatehouse_overload_refusals_total',
      help: 'Requests refused because there was too much to do',
      labelNames: ['reason'],
      registers: [registry],
    });
  }

  addGate(gate: Gate): void {
    this.gates.push(gate);
  }

  /** Counts a refusal. */
  refuse(reason: Refusal): AppError {
    this.refusals.inc({ reason });
    this.tell(reason);
    // Those refused in one moment must not all come back in one moment.
    const errors = WAITED.has(reason) ? AFTER_WAITING : AT_ONCE;
    return errors[randomInt(errors.length)]!;
  }

  /** Puts the hooks on the marked routes. Call it before the routes are there. */
  protect(fastify: FastifyInstance): void {
    fastify.addHook('onRoute', (route) => {
      const { expensive } = (route.config ?? {}) as ExpensiveRoute;
      if (expensive === undefined) return;
      if (expensive === 'always') route.onRequest = [...hooksOf(route.onRequest), this.refuseSurplus];
      // Not earlier: the body arrives in the socket's context, not in the request's.
      route.preHandler = [...hooksOf(route.preHandler), accountToClient];
    });
  }

  private readonly refuseSurplus = (
    request: FastifyRequest,
    _reply: FastifyReply,
    done: HookHandlerDoneFunction,
  ) => {
    const reason = this.refusalOf(request);
    if (!reason) return done();
    const refusal = this.refuse(reason);
    void this.pace.next().then(() => done(refusal));
  };

  private refusalOf(request: FastifyRequest): Refusal | undefined {
    // Where limits are off, as in tests, a busy machine must not change the answers.
    if (this.lag.isHigh && this.config.rateLimits.factor > 0) return 'event_loop';
    const address = addressKey(addressOf(request));
    return this.gates.some((gate) => gate.isFullFor(address)) ? 'queue_full' : undefined;
  }

  /** At the first of them and once a minute from then on: the metric has the numbers. */
  private tell(reason: Refusal): void {
    if (reason === 'client_gone' || this.throttle.pass('shed') === undefined) return;
    this.logger.warn({ event: 'load.shed', reason, msg: 'there is too much to do, some of it is refused' });
  }
}

/** Made once: a stack trace that nobody reads would be the dearest part of a refusal. */
function refusals(detail?: string): AppError[] {
  return [1, 2, 3, 4, 5].map((retryAfter) => new AppError('overloaded', { retryAfter, detail }));
}

function accountToClient(request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction): void {
  const controller = new AbortController();
  // Not the request's own signal: Fastify's aborts as soon as the body has been read.
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) controller.abort();
  });
  runFor({ address: addressKey(addressOf(request)), signal: controller.signal }, done);
}

function hooksOf<Hook>(hooks: Hook | Hook[] | undefined): Hook[] {
  return [hooks ?? []].flat() as Hook[];
}
