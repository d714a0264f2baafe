import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

export type Transport = 'bearer' | 'cookie';

/** One login on one device. It stands behind both transports; every credential points to one row. */
@Entity('sessions')
@ForeignKey('User', ['userId'], ['id'], { name: 'fk_sessions_user', onDelete: 'CASCADE' })
// None by a column that a refresh writes: PostgreSQL would have to write every index anew with each of them.
@Index('ix_sessions_user', ['userId', 'createdAt'])
export class Session {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'pk_sessions' })
  id: string;

  @Column('uuid', { name: 'user_id' })
  userId: string;

  @Column('varchar', { length: 6 })
  transport: Transport;

  /** SHA-256 of the 256-bit random secret that the refresh token or the cookie carries. */
  @Column('bytea', { name: 'secret_hash' })
  secretHash: Buffer;

  /** How many times the refresh token has been rotated; only the token of this generation is current. */
  @Column('integer', { default: 0 })
  generation: number;

  /** When the current generation began; null before the first rotation. */
  @Column({ type: 'timestamptz', name: 'rotated_at', nullable: true, precision: 3 })
  rotatedAt: Date | null;

  /** Whether the client has shown that it received the current generation. */
  @Column('boolean', { name: 'is_generation_used', default: false })
  isGenerationUsed: boolean;

  @Column('inet')
  ip: string;

  @Column('varchar', { name: 'user_agent', length: 512, nullable: true })
  userAgent: string | null;

  @Column({ type: 'timestamptz', name: 'created_at', precision: 3 })
  createdAt: Date;

  @Column({ type: 'timestamptz', name: 'last_used_at', precision: 3 })
  lastUsedAt: Date;

  /** When the password was last presented in this session. */
  @Column({ type: 'timestamptz', name: 'authenticated_at', precision: 3 })
  authenticatedAt: Date;

  /** Slides with use, never beyond `createdAt` plus the absolute cap. */
  @Column({ type: 'timestamptz', name: 'expires_at', precision: 3 })
  expiresAt: Date;

  @Column({ type: 'timestamptz', name: 'revoked_at', nullable: true, precision: 3 })
  revokedAt: Date | null;
}
