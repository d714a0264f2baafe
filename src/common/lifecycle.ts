import { Injectable } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';

/** Whether this process still wants requests. It answers those it gets to the end. */
@Injectable()
export class Lifecycle {
  private draining = false;

  get isDraining(): boolean {
    return this.draining;
  }

  /** From now on probes send requests elsewhere, and clients are asked to connect anew. */
  drain(): void {
    this.draining = true;
  }
}

/** Lets kept-alive connections go while the process drains: a proxy that learns it in time loses no request. */
export function closeWhileDraining(fastify: FastifyInstance, lifecycle: Lifecycle): void {
  fastify.addHook('onSend', (_request, reply, payload, done) => {
    if (lifecycle.isDraining) reply.header('Connection', 'close');
    done(null, payload);
  });
}
