import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ThrottlerStorage } from '@nestjs/throttler';
import { Counter, Registry } from 'prom-client';
import { registerGauge } from '../common/gauge';
import { addressKey } from '../common/http/address-key';
import { addressOf, clientInfoOf } from '../common/http/client-info';
import { AppError } from '../common/errors/app-error';
import { logSecurityEvent } from '../common/log/security-log';
import { Config } from '../config/config';
import { Throttle } from '../common/throttle';
import { rateOf, type BudgetName, type Rate, type Scope } from './budgets';
import { Counts, type Count } from './counts';
import { SharedStore } from './shared-store';

/** Whether the request comes from somebody who is known to the account it asks for. */
export type Recognition = (request: FastifyRequest, email: string) => Promise<boolean>;

/** What is left of one budget, as @nestjs/throttler wants it; times in seconds, at least 1. */
export interface Allowance extends Awaited<ReturnType<ThrottlerStorage['increment']>> {
  /** Requests that are allowed at the moment. */
  limit: number;
}

/** Counts requests against the budgets, in this process or in Redis with all others. */
@Injectable()
export class RateLimitService implements ThrottlerStorage, OnApplicationShutdown {
  private readonly throttle = new Throttle();
  private readonly factor: number;
  private readonly store?: SharedStore;
  private readonly counts: Counts;
  private readonly refusals: Counter<'budget' | 'scope'>;
  private recognition: Recognition = () => Promise.resolve(false);

  constructor({ rateLimits: { factor, redisUrl } }: Config, registry: Registry) {
    this.factor = factor;
    this.store = redisUrl && factor > 0 ? new SharedStore(redisUrl) : undefined;
    this.counts = new Counts(this.store);
    this.refusals = new Counter({
      name: 'gatehouse_rate_limit_refusals_total',
      help: 'Requests refused with 429, by budget and by whose count was exceeded',
      labelNames: ['budget', 'scope'],
      registers: [registry],
    });
    registerGauge(
      registry,
      'gatehouse_rate_limit_store_up',
      '1 while all replicas count together in Redis, 0 while each counts for itself; none without REDIS_URL',
      () => this.store && Number(this.store.isAnswering),
    );
  }

  get isOn(): boolean {
    return this.factor > 0;
  }

  /** Whether replicas are meant to count together. */
  get isShared(): boolean {
    return this.store !== undefined;
  }

  /** Whether the shared store answers in time. */
  async ping(): Promise<boolean> {
    return (await this.store?.ask(() => this.store!.redis.ping())) === 'PONG';
  }

  /** Names who tells owners from strangers. Owners are not held back by what strangers did to their account. */
  recogniseBy(recognition: Recognition): void {
    this.recognition = recognition;
  }

  recognises(request: FastifyRequest, email: string): Promise<boolean> {
    return this.recognition(request, email);
  }

  /** What the operator has made of a budget; undefined where it does not count the scope, and while limits are off. */
  rateOf(budget: BudgetName, scope: Scope): Rate | undefined {
    const rate = rateOf(budget, scope);
    return rate && this.isOn ? { ...rate, requests: rate.requests * this.factor } : undefined;
  }

  /** Counts one request more under a key made by `keyOf`, in a window of `ttl` milliseconds; at once where it can. */
  count(key: string, ttl: number, limit: number): Allowance | Promise<Allowance> {
    return onceKnown(this.counts.add(key, ttl / 1000, limit), (count) => allowanceOf(count, limit));
  }

  /** The same for @nestjs/throttler. */
  async increment(key: string, ttl: number, limit: number): Promise<Allowance> {
    return this.count(key, ttl, limit);
  }

  /** Counts a request whatever it asks for, at once where it can; returns the error where it is one too many. */
  takeRequest(
    request: FastifyRequest,
    reply: FastifyReply,
  ): AppError | undefined | Promise<AppError | undefined> {
    const rate = this.rateOf('requests', 'address');
    if (!rate) return undefined;
    const key = keyOf('requests', 'address', addressKey(addressOf(request)));
    return onceKnown(this.count(key, rate.seconds * 1000, rate.requests), (allowance) => {
      this.announce(reply, 'requests', rate.seconds, allowance);
      return allowance.isBlocked ? this.refusal('requests', 'address', allowance, request) : undefined;
    });
  }

  /** Adds a policy to the answer (draft-ietf-httpapi-ratelimit-headers): a request can count against several. */
  announce(reply: FastifyReply, name: string, seconds: number, allowance: Allowance): void {
    const { limit, totalHits, timeToExpire } = allowance;
    append(reply, 'ratelimit-policy', `"${name}";q=${limit};w=${seconds}`);
    append(reply, 'ratelimit', `"${name}";r=${Math.max(0, limit - totalHits)};t=${timeToExpire}`);
  }

  /** The error for a request beyond a budget; counts it and tells the log, once a minute for each budget. */
  refusal(budget: BudgetName, scope: Scope, { timeToExpire }: Allowance, request: FastifyRequest): AppError {
    this.refusals.inc({ budget, scope });
    const suppressed = this.throttle.pass(`${budget} ${scope}`);
    if (suppressed !== undefined)
      logSecurityEvent('rate.limited', {
        budget,
        scope,
        suppressed,
        ip: clientInfoOf(request).ip,
        requestId: request.id,
      });
    return new AppError('too_many_requests', { retryAfter: timeToExpire });
  }

  onApplicationShutdown(): void {
    this.store?.close();
  }
}

function allowanceOf({ hits, msLeft, isShared }: Count, limit: number): Allowance {
  // Alone, while the other replicas count alone as well: less for each.
  const allowed = isShared ? limit : Math.ceil(limit / 2);
  const timeToExpire = Math.max(1, Math.ceil(msLeft / 1000));
  return {
    limit: allowed,
    totalHits: hits,
    timeToExpire,
    isBlocked: hits > allowed,
    timeToBlockExpire: timeToExpire,
  };
}

/** Goes on at once where there is nothing to wait for: a promise for each request is dear. */
function onceKnown<Value, Result>(
  value: Value | Promise<Value>,
  next: (value: Value) => Result,
): Result | Promise<Result> {
  return value instanceof Promise ? value.then(next) : next(value);
}

export function keyOf(budget: BudgetName, scope: Scope, subject: string): string {
  return `${budget}:${scope}:${subject}`;
}

/** @param header in lower case, as Fastify keeps it */
function append(reply: FastifyReply, header: string, item: string): void {
  const present = reply.getHeader(header);
  reply.header(header, present === undefined ? item : `${String(present)}, ${item}`);
}
