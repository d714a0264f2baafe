import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateOneTimeTokens1795219202000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE verification_tokens (
        id uuid NOT NULL,
        user_id uuid NOT NULL,
        purpose varchar(16) NOT NULL,
        email varchar(254) NOT NULL,
        token_hash bytea NOT NULL,
        letter_id uuid NOT NULL,
        created_at timestamptz(3) NOT NULL,
        expires_at timestamptz(3) NOT NULL,
        consumed_at timestamptz(3),
        CONSTRAINT pk_verification_tokens PRIMARY KEY (id),
        CONSTRAINT fk_verification_tokens_user FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
      )`);
    await queryRunner.query(
      `CREATE UNIQUE INDEX ux_verification_tokens_hash ON verification_tokens (token_hash)`,
    );
    await queryRunner.query(`CREATE INDEX ix_verification_tokens_user ON verification_tokens (user_id)`);
    await queryRunner.query(
      `CREATE INDEX ix_verification_tokens_expires ON verification_tokens (expires_at)`,
    );
    await queryRunner.query(`
      CREATE TABLE reset_tokens (
        id uuid NOT NULL,
        user_id uuid NOT NULL,
        token_hash bytea NOT NULL,
        letter_id uuid NOT NULL,
        created_at timestamptz(3) NOT NULL,
        expires_at timestamptz(3) NOT NULL,
        consumed_at timestamptz(3),
        CONSTRAINT pk_reset_tokens PRIMARY KEY (id),
        CONSTRAINT fk_reset_tokens_user FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
      )`);
    await queryRunner.query(`CREATE UNIQUE INDEX ux_reset_tokens_hash ON reset_tokens (token_hash)`);
    await queryRunner.query(`CREATE INDEX ix_reset_tokens_user ON reset_tokens (user_id)`);
    await queryRunner.query(`CREATE INDEX ix_reset_tokens_expires ON reset_tokens (expires_at)`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE reset_tokens`);
    await queryRunner.query(`DROP TABLE verification_tokens`);
  }
}
