import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateAuditEvents1795219203000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE audit_events (
        id uuid NOT NULL,
        action varchar(64) NOT NULL,
        user_id uuid,
        session_id uuid,
        ip inet,
        user_agent varchar(512),
        request_id varchar(128),
        created_at timestamptz(3) NOT NULL,
        CONSTRAINT pk_audit_events PRIMARY KEY (id)
      )`);
    await queryRunner.query(`CREATE INDEX ix_audit_events_user ON audit_events (user_id, created_at)`);
    await queryRunner.query(`CREATE INDEX ix_audit_events_created ON audit_events (created_at)`);
    await queryRunner.query(`
      CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        RAISE EXCEPTION 'audit_events is append-only' USING ERRCODE = 'insufficient_privilege';
      END $$`);
    await queryRunner.query(`
      CREATE TRIGGER tr_audit_events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_events
      FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change()`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE audit_events`);
    await queryRunner.query(`DROP FUNCTION refuse_audit_change()`);
  }
}
