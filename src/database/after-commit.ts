import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager, type EntitySubscriberInterface, type QueryRunner } from 'typeorm';
import type { TransactionCommitEvent } from 'typeorm/subscriber/event/TransactionCommitEvent';
import type { TransactionRollbackEvent } from 'typeorm/subscriber/event/TransactionRollbackEvent';

/** Does something as soon as a transaction is committed, and never if it is rolled back. Actions must not throw. */
@Injectable()
export class AfterCommit implements EntitySubscriberInterface {
  private readonly actions = new WeakMap<QueryRunner, Map<unknown, () => void>>();

  constructor(dataSource: DataSource) {
    dataSource.subscribers.push(this);
  }

  do(tx: EntityManager, action: () => void): void {
    this.once(tx, action, action);
  }

  /** An action of the same key replaces the earlier one of this transaction. */
  once({ queryRunner }: EntityManager, key: unknown, action: () => void): void {
    const actions = this.actions.get(queryRunner!) ?? new Map<unknown, () => void>();
    this.actions.set(queryRunner!, actions.set(key, action));
  }

  afterTransactionCommit({ queryRunner }: TransactionCommitEvent): void {
    // The end of a savepoint is announced likewise; the transaction goes on.
    if (queryRunner.isTransactionActive) return;
    const actions = this.actions.get(queryRunner);
    this.actions.delete(queryRunner);
    for (const action of actions?.values() ?? []) action();
  }

  afterTransactionRollback({ queryRunner }: TransactionRollbackEvent): void {
    if (!queryRunner.isTransactionActive) this.actions.delete(queryRunner);
  }
}
