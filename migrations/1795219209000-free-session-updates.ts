import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * A refresh changes no indexed column any more, and a page of sessions keeps room for the next versions of its rows: so
 * PostgreSQL writes one page for it and no index (a HOT update). Whoever works meanwhile waits for nothing; replicas of the
 * version before clean up more slowly until they are replaced.
 */
export class FreeSessionUpdates1795219209000 implements MigrationInterface {
  /** CONCURRENTLY is for outside of transactions. */
  transaction = false;

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE sessions SET (fillfactor = 90)`);
    await queryRunner.query(`DROP INDEX CONCURRENTLY IF EXISTS ix_sessions_expires`);
    await queryRunner.query(`DROP INDEX CONCURRENTLY IF EXISTS ix_sessions_revoked`);
  }

  /** In a transaction, as TypeORM takes every migration back. */
  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`CREATE INDEX ix_sessions_expires ON sessions (expires_at)`);
    await queryRunner.query(
      `CREATE INDEX ix_sessions_revoked ON sessions (revoked_at) WHERE revoked_at IS NOT NULL`,
    );
    await queryRunner.query(`ALTER TABLE sessions RESET (fillfactor)`);
  }
}
