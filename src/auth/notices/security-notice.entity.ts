import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

export type NoticeKind =
  | 'new-device'
  | 'password-changed'
  | 'password-reset'
  | 'refresh-reused'
  | 'email-change-requested'
  | 'email-changed'
  | 'password-locked'
  | 'login-after-failures';

/** A letter about something that happened to an account, and the right of whoever received it to say "not me". */
@Entity('security_notices')
@ForeignKey('User', ['userId'], ['id'], { name: 'fk_security_notices_user', onDelete: 'CASCADE' })
@Index('ix_security_notices_user', ['userId'])
@Index('ix_security_notices_expires', ['expiresAt'])
export class SecurityNotice {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'pk_security_notices' })
  id: string;

  @Column('uuid', { name: 'user_id' })
  userId: string;

  @Column('varchar', { length: 32 })
  kind: NoticeKind;

  /** The address it goes to: the owner's at the time. */
  @Column('varchar', { length: 254 })
  email: string;

  @Column({ type: 'timestamptz', name: 'created_at', precision: 3 })
  createdAt: Date;

  /** Until then "not me" works. */
  @Column({ type: 'timestamptz', name: 'expires_at', precision: 3 })
  expiresAt: Date;

  @Column({ type: 'timestamptz', name: 'used_at', nullable: true, precision: 3 })
  usedAt: Date | null;
}
