import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

/** One thing that a user wants to do. Reached by `Transactions.runAs` only: PostgreSQL hides the rows of others. */
@Entity('tasks')
@ForeignKey('User', ['userId'], ['id'], { name: 'fk_tasks_user', onDelete: 'CASCADE' })
@Index('ix_tasks_user_id_id', ['userId', 'id'])
export class Task {
  /** A UUID v7, so that the order of ids is that of time. */
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'pk_tasks' })
  id: string;

  @Column('uuid', { name: 'user_id' })
  userId: string;

  @Column('varchar', { length: 200 })
  title: string;

  @Column('varchar', { length: 5000 })
  description: string;

  @Column('boolean')
  completed: boolean;

  @Column({ type: 'timestamptz', name: 'created_at', precision: 3 })
  createdAt: Date;

  @Column({ type: 'timestamptz', name: 'updated_at', precision: 3 })
  updatedAt: Date;
}
