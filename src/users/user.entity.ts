import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

@Entity('users')
@Index('ux_users_email_canonical', ['emailCanonical'], { unique: true })
@Index('ix_users_unverified', ['createdAt'], { where: 'email_verified_at IS NULL' })
export class User {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'pk_users' })
  id: string;

  /** As the owner wrote it, with the domain in its ASCII form. Letters go here. */
  @Column('varchar', { length: 254 })
  email: string;

  /** The form that makes an address unique: lower case throughout. */
  @Column('varchar', { name: 'email_canonical', length: 254 })
  emailCanonical: string;

  /** The address that the owner wants instead; nothing changes until it is confirmed. */
  @Column('varchar', { name: 'pending_email', length: 254, nullable: true })
  pendingEmail: string | null;

  @Column('varchar', { length: 100, nullable: true })
  name: string | null;

  @Column('text', { name: 'password_hash' })
  passwordHash: string;

  /** When the owner was told that this very password was in a data breach. */
  @Column({ type: 'timestamptz', name: 'breach_told_at', nullable: true, precision: 3 })
  breachToldAt: Date | null;

  @Column({ type: 'timestamptz', name: 'email_verified_at', nullable: true, precision: 3 })
  emailVerifiedAt: Date | null;

  @Column('boolean', { name: 'is_active', default: true })
  isActive: boolean;

  @Column({ type: 'timestamptz', name: 'created_at', precision: 3 })
  createdAt: Date;

  @Column({ type: 'timestamptz', name: 'updated_at', precision: 3 })
  updatedAt: Date;
}

/** The columns that a view is made of. */
export const VIEWED = [
  'id',
  'email',
  'name',
  'emailVerifiedAt',
  'isActive',
  'createdAt',
  'updatedAt',
] as const satisfies (keyof User)[];

/**
 * What owners see of their account, no secret, as it is sent to them: it is made once and read many times. Times are in
 * RFC 3339.
 */
export interface UserView extends Pick<User, 'id' | 'email' | 'name' | 'isActive'> {
  emailVerified: boolean;
  createdAt: string;
  updatedAt: string;
}

export function viewOf(user: Pick<User, (typeof VIEWED)[number]>): UserView {
  return {
    id: user.id,
    email: user.email,
    name: user.name,
    emailVerified: user.emailVerifiedAt !== null,
    isActive: user.isActive,
    createdAt: user.createdAt.toISOString(),
    updatedAt: user.updatedAt.toISOString(),
  };
}
