import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import type { AuditAction } from './actions';

/**
 * One security-relevant fact. Append-only: the database refuses to remove a row, and any change but to forget `ip` and
 * `userAgent` with their MAC. Partitioned by the month of `createdAt`.
 */
@Entity('audit_events')
@Index('ix_audit_events_user', ['userId', 'createdAt', 'id'])
export class AuditEvent {
  @PrimaryColumn('timestamptz', {
    name: 'created_at',
    precision: 3,
    primaryKeyConstraintName: 'pk_audit_events',
  })
  createdAt: Date;

  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'pk_audit_events' })
  id: string;

  @Column('varchar', { length: 64 })
  action: AuditAction;

  /** No foreign key: the event outlives the account. */
  @Column('uuid', { name: 'user_id', nullable: true })
  userId: string | null;

  @Column('uuid', { name: 'session_id', nullable: true })
  sessionId: string | null;

  @Column('inet', { nullable: true })
  ip: string | null;

  @Column('varchar', { name: 'user_agent', length: 512, nullable: true })
  userAgent: string | null;

  @Column('varchar', { name: 'request_id', length: 128, nullable: true })
  requestId: string | null;

  /** Over all that is never forgotten. The MACs are read by the verification only. */
  @Column('bytea', { select: false })
  mac: Buffer;

  /** Over `ip` and `userAgent`, where one of them is there. */
  @Column('bytea', { name: 'client_mac', nullable: true, select: false })
  clientMac: Buffer | null;
}
