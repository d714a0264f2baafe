import { Injectable } from '@nestjs/common';
import { Counter, Gauge, Registry } from 'prom-client';
import type { Pool } from 'pg';
import { DataSource } from 'typeorm';
import type { AfterQueryEvent } from 'typeorm/subscriber/event/QueryEvent';
import { isDatabaseAway } from '../common/errors/outage';
import { Notifications } from '../database/notifications';
import { poolOf } from '../jobs/boss';
import { registerGauge } from '../common/gauge';

/** Serialisation failures and deadlocks are tried again; what breaks a constraint is often just an answer. */
const KINDS = ['away', 'conflict', 'constraint', 'other'] as const;

/** The pool of database connections, the listener, and statements that failed. */
@Injectable()
export class DatabaseMetrics {
  constructor(dataSource: DataSource, notifications: Notifications, registry: Registry) {
    // None any more once the application has closed it.
    const pool = () => poolOf(dataSource) as Pool | undefined;
    const connections = new Gauge({
      name: 'gatehouse_database_connections',
      help: 'Connections of the pool: busy or idle',
      labelNames: ['state'],
      registers: [],
      collect() {
        const { totalCount = 0, idleCount = 0 } = pool() ?? {};
        this.set({ state: 'busy' }, totalCount - idleCount);
        this.set({ state: 'idle' }, idleCount);
      },
    });
    registry.registerMetric(connections);
    registerGauge(
      registry,
      'gatehouse_database_connections_max',
      'Connections that the pool may have (DATABASE_POOL_MAX)',
      () => pool()?.options.max,
    );
    registerGauge(
      registry,
      'gatehouse_database_waiting_callers',
      'Callers that wait for a connection of the pool',
      () => pool()?.waitingCount,
    );
    registerGauge(
      registry,
      'gatehouse_listener_up',
      '1 while revocations of other replicas are heard, by LISTEN; 0: sessions are looked up in the database',
      () => Number(notifications.isListening),
    );
    const errors = new Counter({
      name: 'gatehouse_database_errors_total',
      help: 'Statements that failed: away (the database cannot serve), conflict (tried again), constraint, other',
      labelNames: ['kind'],
      registers: [registry],
    });
    for (const kind of KINDS) errors.inc({ kind }, 0);
    dataSource.subscribers.push({
      afterQuery: ({ success, error }: AfterQueryEvent) => {
        if (!success) errors.inc({ kind: kindOf(error) });
      },
    });
  }
}

function kindOf(error: unknown): (typeof KINDS)[number] {
  const state = String((error as { code?: unknown } | undefined)?.code ?? '');
  if (state.startsWith('40')) return 'conflict';
  if (state.startsWith('23')) return 'constraint';
  return isDatabaseAway(error) ? 'away' : 'other';
}
