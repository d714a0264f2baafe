import type { MigrationInterface, QueryRunner } from 'typeorm';

export class AddBreachTold1795219207000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE users ADD COLUMN breach_told_at timestamptz(3)`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE users DROP COLUMN breach_told_at`);
  }
}
