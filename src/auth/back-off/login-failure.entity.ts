import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** Wrong passwords since the last right one, of whatever is counted together. Written by `LoginFailures` only. */
@Entity('login_failures')
@Index('ix_login_failures_last_failed', ['lastFailedAt'])
export class LoginFailure {
  /** SHA-256 of what it is about, see `failure-ids.ts`: no address stands here, and there need be no account. */
  @PrimaryColumn('bytea', { primaryKeyConstraintName: 'pk_login_failures' })
  id: Buffer;

  /** Within the running series; they decide how long the next attempt has to wait. */
  @Column('smallint')
  failures: number;

  /** Through all series since the last right password: they never decay. */
  @Column('smallint')
  consecutive: number;

  @Column({ type: 'timestamptz', name: 'last_failed_at', precision: 3 })
  lastFailedAt: Date;

  /** Null without a block; `infinity` until the password is reset, which the driver reads as the number. */
  @Column({ type: 'timestamptz', name: 'blocked_until', nullable: true, precision: 3 })
  blockedUntil: Date | number | null;
}
