import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateUsers1795219200000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE users (
        id uuid NOT NULL,
        email varchar(254) NOT NULL,
        email_canonical varchar(254) NOT NULL,
        name varchar(100),
        password_hash text NOT NULL,
        email_verified_at timestamptz(3),
        is_active boolean NOT NULL DEFAULT true,
        created_at timestamptz(3) NOT NULL,
        updated_at timestamptz(3) NOT NULL,
        CONSTRAINT pk_users PRIMARY KEY (id)
      )`);
    await queryRunner.query(`CREATE UNIQUE INDEX ux_users_email_canonical ON users (email_canonical)`);
    await queryRunner.query(
      `CREATE INDEX ix_users_unverified ON users (created_at) WHERE email_verified_at IS NULL`,
    );
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE users`);
  }
}
