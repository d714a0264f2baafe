import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateSecurityNotices1795219204000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE users ADD COLUMN pending_email varchar(254)`);
    await queryRunner.query(`
      CREATE TABLE security_notices (
        id uuid NOT NULL,
        user_id uuid NOT NULL,
        kind varchar(32) NOT NULL,
        email varchar(254) NOT NULL,
        created_at timestamptz(3) NOT NULL,
        expires_at timestamptz(3) NOT NULL,
        used_at timestamptz(3),
        CONSTRAINT pk_security_notices PRIMARY KEY (id),
        CONSTRAINT fk_security_notices_user FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
      )`);
    await queryRunner.query(`CREATE INDEX ix_security_notices_user ON security_notices (user_id)`);
    await queryRunner.query(`CREATE INDEX ix_security_notices_expires ON security_notices (expires_at)`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE security_notices`);
    await queryRunner.query(`ALTER TABLE users DROP COLUMN pending_email`);
  }
}
