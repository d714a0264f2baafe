import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateLoginFailures1795219206000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE login_failures (
        id bytea NOT NULL,
        failures smallint NOT NULL,
        consecutive smallint NOT NULL,
        last_failed_at timestamptz(3) NOT NULL,
        blocked_until timestamptz(3),
        CONSTRAINT pk_login_failures PRIMARY KEY (id)
      )`);
    await queryRunner.query(`CREATE INDEX ix_login_failures_last_failed ON login_failures (last_failed_at)`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE login_failures`);
  }
}
