import { Injectable } from '@nestjs/common';
import { DataSource, LessThan, type EntityManager } from 'typeorm';
import { Clock } from '../common/clock';
import { newId } from '../common/crypto/tokens';
import { AppError } from '../common/errors/app-error';
import { decodeIdCursor, encodeIdCursor } from '../common/paging/cursor';
import { isForeignKeyViolation } from '../database/foreign-key-violation';
import { insertionOf, type Insertion } from '../database/rows';
import { Transactions } from '../database/transactions';
import { Task } from './task.entity';

/** So that nobody fills the disk. */
const MOST_TASKS = 10_000;
const EXPORT_PAGE = 100;

export type NewTask = Pick<Task, 'title' | 'description' | 'completed'>;

export interface TaskPage {
  tasks: Task[];
  /** Null where there are no older tasks. */
  nextCursor: string | null;
}

/** Every method acts as the user that is named first, and names them in its conditions too: isolation twice. */
@Injectable()
export class TasksService {
  private readonly insertion: Insertion<Task>;
  /** Makes a task, unless the user has as many as there may be: no row is returned then. */
  private readonly creation: string;

  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    dataSource: DataSource,
  ) {
    this.insertion = insertionOf(Task, dataSource);
    const { places, textWhere } = this.insertion;
    const count = `SELECT count(*) FROM tasks WHERE user_id = $${places + 1}`;
    this.creation = `${textWhere(`(${count}) < $${places + 2}`)} RETURNING id`;
  }

  /**
   * A page of the user's tasks, the newest first. Tasks that are made meanwhile move no page.
   *
   * @param cursor `nextCursor` of the page before
   * @throws AppError `validation_failed` for a cursor that is none
   */
  async list(userId: string, limit: number, cursor: string | undefined): Promise<TaskPage> {
    const before = cursor === undefined ? undefined : decodeIdCursor(cursor);
    if (before === null) throw AppError.invalid('cursor', 'invalid', 'must be the nextCursor of a page');
    // One more than asked for tells whether there is a page after this one.
    const found = await this.newest(userId, limit + 1, before);
    const tasks = found.slice(0, limit);
    return { tasks, nextCursor: found.length > limit ? encodeIdCursor(tasks.at(-1)!.id) : null };
  }

  /**
   * @throws AppError `too_many_tasks`. Of tasks that are made at the very same moment a few may pass beyond the limit:
   *   to be exact would let one user keep connections waiting. `not_found` where the account is gone
   */
  async create(userId: string, { title, description, completed }: NewTask): Promise<Task> {
    const now = this.clock.now();
    const task: Task = { id: newId(), userId, title, description, completed, createdAt: now, updatedAt: now };
    const values = [...this.insertion.valuesOf(task), userId, MOST_TASKS];
    try {
      const made = await this.transactions.runAs(userId, (tx) => tx.query<unknown[]>(this.creation, values));
      if (made.length === 0) throw new AppError('too_many_tasks');
    } catch (error) {
      if (isForeignKeyViolation(error, 'fk_tasks_user')) throw new AppError('not_found');
      throw error;
    }
    return task;
  }

  /** @throws AppError `not_found`, for a task of somebody else too: whether it exists is none of their business */
  async read(userId: string, id: string): Promise<Task> {
    return this.transactions.runAs(userId, (tx) => find(userId, id, tx));
  }

  /** Replaces what is given. @throws AppError `not_found` as above */
  async update(userId: string, id: string, change: Partial<NewTask>): Promise<Task> {
    return this.transactions.runAs(userId, async (tx) => {
      await tx.update(Task, { id, userId }, { ...change, updatedAt: this.clock.now() });
      return find(userId, id, tx);
    });
  }

  /** @throws AppError `not_found` as above */
  async remove(userId: string, id: string): Promise<void> {
    const { affected } = await this.transactions.runAs(userId, (tx) => tx.delete(Task, { id, userId }));
    if (affected !== 1) throw new AppError('not_found');
  }

  /** All tasks of the user, the newest first, a page at a time. */
  async *pagesOf(userId: string): AsyncGenerator<Task[]> {
    let before: string | undefined;
    for (;;) {
      const page = await this.newest(userId, EXPORT_PAGE, before);
      if (page.length > 0) yield page;
      if (page.length < EXPORT_PAGE) return;
      before = page.at(-1)!.id;
    }
  }

  private newest(userId: string, limit: number, before: string | undefined): Promise<Task[]> {
    const where = before === undefined ? { userId } : { userId, id: LessThan(before) };
    return this.transactions.runAs(userId, (tx) =>
      tx.find(Task, { where, order: { id: 'DESC' }, take: limit }),
    );
  }
}

async function find(userId: string, id: string, tx: EntityManager): Promise<Task> {
  const task = await tx.findOneBy(Task, { id, userId });
  if (!task) throw new AppError('not_found');
  return task;
}
