import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateSessions1795219201000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE sessions (
        id uuid NOT NULL,
        user_id uuid NOT NULL,
        transport varchar(6) NOT NULL,
        secret_hash bytea NOT NULL,
        generation integer NOT NULL DEFAULT 0,
        rotated_at timestamptz(3),
        is_generation_used boolean NOT NULL DEFAULT false,
        ip inet NOT NULL,
        user_agent varchar(512),
        created_at timestamptz(3) NOT NULL,
        last_used_at timestamptz(3) NOT NULL,
        authenticated_at timestamptz(3) NOT NULL,
        expires_at timestamptz(3) NOT NULL,
        revoked_at timestamptz(3),
        CONSTRAINT pk_sessions PRIMARY KEY (id),
        CONSTRAINT fk_sessions_user FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
      )`);
    await queryRunner.query(`CREATE INDEX ix_sessions_user ON sessions (user_id, created_at)`);
    await queryRunner.query(`CREATE INDEX ix_sessions_expires ON sessions (expires_at)`);
    await queryRunner.query(
      `CREATE INDEX ix_sessions_revoked ON sessions (revoked_at) WHERE revoked_at IS NOT NULL`,
    );
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE sessions`);
  }
}
