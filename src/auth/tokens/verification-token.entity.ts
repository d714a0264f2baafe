import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

export type Purpose = 'sign_up' | 'email_change';

/** Proof that a user controls an address: for the sign-up and, with another purpose, for a change of address. */
@Entity('verification_tokens')
@ForeignKey('User', ['userId'], ['id'], { name: 'fk_verification_tokens_user', onDelete: 'CASCADE' })
@Index('ux_verification_tokens_hash', ['tokenHash'], { unique: true })
@Index('ix_verification_tokens_user', ['userId'])
@Index('ix_verification_tokens_expires', ['expiresAt'])
export class VerificationToken {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'pk_verification_tokens' })
  id: string;

  @Column('uuid', { name: 'user_id' })
  userId: string;

  @Column('varchar', { length: 16 })
  purpose: Purpose;

  /** The address it proves: a token never vouches for another one. */
  @Column('varchar', { length: 254 })
  email: string;

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
