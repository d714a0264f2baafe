import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

/** The right to set a new password, once. */
@Entity('reset_tokens')
@ForeignKey('User', ['userId'], ['id'], { name: 'fk_reset_tokens_user', onDelete: 'CASCADE' })
@Index('ux_reset_tokens_hash', ['tokenHash'], { unique: true })
@Index('ix_reset_tokens_user', ['userId'])
@Index('ix_reset_tokens_expires', ['expiresAt'])
export class ResetToken {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'pk_reset_tokens' })
  id: string;

  @Column('uuid', { name: 'user_id' })
  userId: string;

  @Column('bytea', { name: 'token_hash' })
  tokenHash: Buffer;

  /** The letter that carries it: every try to deliver one letter may bring its own token, and all of them work. */
  @Column('uuid', { name: 'letter_id' })
  letterId: string;

  @Column({ type: 'timestamptz', name: 'created_at', precision: 3 })
  createdAt: Date;

  @Column({ type: 'timestamptz', name: 'expires_at', precision: 3 })
  expiresAt: Date;

  @Column({ type: 'timestamptz', name: 'consumed_at', nullable: true, precision: 3 })
  consumedAt: Date | null;
}
