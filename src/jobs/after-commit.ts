import type { EntitySubscriberInterface, QueryRunner } from 'typeorm';
import type { TransactionCommitEvent } from 'typeorm/subscriber/event/TransactionCommitEvent';
import type { TransactionRollbackEvent } from 'typeorm/subscriber/event/TransactionRollbackEvent';

/** Runs something as soon as a transaction is committed, and never if it is rolled back. */
export class AfterCommit implements EntitySubscriberInterface {
  private readonly actions = new WeakMap<QueryRunner, Map<string, () => void>>();

  /** An action of the same key replaces the earlier one of this transaction. It must not throw. */
  once(queryRunner: QueryRunner, key: string, action: () => void): void {
    const actions = this.actions.get(queryRunner) ?? new Map<string, () => void>();
    this.actions.set(queryRunner, actions.set(key, action));
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
