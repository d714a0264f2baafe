import { Injectable, Logger } from '@nestjs/common';
import { Counter, Registry } from 'prom-client';
import { Throttle } from '../common/throttle';

/**
 * `broken`: links were changed or cut off. `forged`: an event that the service has not written. `removed`: an event that
 * went before it was linked.
 */
export type AlarmKind = 'broken' | 'forged' | 'removed';

const MESSAGES: Record<AlarmKind, string> = {
  broken: 'the newest links of the audit trail are not what they were: run the verification',
  forged: 'an audit event was not written by the service',
  removed: 'an audit event was removed before it was linked',
};

export interface Alarm {
  kind: AlarmKind;
  id?: string;
  sequence?: number;
}

/** Signs that somebody meddled with the audit trail, met while linking. */
@Injectable()
export class AuditAlarms {
  private readonly logger = new Logger(AuditAlarms.name);
  private readonly throttle = new Throttle();
  private readonly count: Counter<'kind'>;

  constructor(registry: Registry) {
    this.count = new Counter({
      name: 'gatehouse_audit_alarms_total',
      help: 'Signs that somebody meddled with the audit trail: links broken, events forged or removed',
      labelNames: ['kind'],
      registers: [registry],
    });
    // An alert compares counts: it needs the zero before the first.
    for (const kind of Object.keys(MESSAGES) as AlarmKind[]) this.count.inc({ kind }, 0);
  }

  raise({ kind, ...about }: Alarm): void {
    this.count.inc({ kind });
    const suppressed = this.throttle.pass(kind);
    if (suppressed === undefined) return;
    this.logger.error({ event: `audit.${kind}`, ...about, suppressed, msg: MESSAGES[kind] });
  }
}
