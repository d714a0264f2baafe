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
    // One change is allowed: forgetting where a user was, when the account is deleted.
    await queryRunner.query(`
      CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF TG_OP = 'UPDATE' THEN
          IF NEW.ip IS NULL AND NEW.user_agent IS NULL AND NEW.id = OLD.id AND NEW.action = OLD.action
             AND NEW.user_id = OLD.user_id AND NEW.created_at = OLD.created_at
             AND NEW.session_id IS NOT DISTINCT FROM OLD.session_id
             AND NEW.request_id IS NOT DISTINCT FROM OLD.request_id THEN
            RETURN NEW;
          END IF;
        END IF;
        RAISE EXCEPTION 'audit_events is append-only' USING ERRCODE = 'insufficient_privilege';
      END $$`);
    await queryRunner.query(`
      CREATE TRIGGER tr_audit_events_unchanged BEFORE UPDATE ON audit_events
      FOR EACH ROW EXECUTE FUNCTION refuse_audit_change()`);
    await queryRunner.query(`
      CREATE TRIGGER tr_audit_events_append_only BEFORE DELETE OR TRUNCATE ON audit_events
      FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change()`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE audit_events`);
    await queryRunner.query(`DROP FUNCTION refuse_audit_change()`);
  }
}
