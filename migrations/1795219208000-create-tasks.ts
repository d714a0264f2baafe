import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Tasks, and row-level security that holds whoever asks: the service reads and writes them as `gatehouse_tenant`, with
 * the user's id in `app.user_id`. docs/user-owned-resources.md has the recipe for further tables.
 */
export class CreateTasks1795219208000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await createTenant(queryRunner);
    await becomeTenant(queryRunner);
    await queryRunner.query(`
      CREATE TABLE tasks (
        id uuid NOT NULL,
        user_id uuid NOT NULL,
        title varchar(200) NOT NULL,
        description varchar(5000) NOT NULL,
        completed boolean NOT NULL,
        created_at timestamptz(3) NOT NULL,
        updated_at timestamptz(3) NOT NULL,
        CONSTRAINT pk_tasks PRIMARY KEY (id),
        CONSTRAINT fk_tasks_user FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
      )`);
    await queryRunner.query(`CREATE INDEX ix_tasks_user_id_id ON tasks (user_id, id)`);
    // Forced, for the owner of a table is exempt otherwise. Without app.user_id, or with it empty, no row is anybody's.
    await queryRunner.query(`ALTER TABLE tasks ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY`);
    await queryRunner.query(`
      CREATE POLICY own_rows ON tasks FOR ALL
      USING (user_id = NULLIF(current_setting('app.user_id', true), '')::uuid)
      WITH CHECK (user_id = NULLIF(current_setting('app.user_id', true), '')::uuid)`);
  }

  /** The role stays: it belongs to the server, not to this database, and can do nothing by itself. */
  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE tasks`);
  }
}

/** Superusers and roles with BYPASSRLS pass by every policy, so whoever the service connects as, it must become this one. */
async function createTenant(queryRunner: QueryRunner): Promise<void> {
  // A role is there for all databases of a server, so another one's migration may be making it at this moment.
  await queryRunner.query(`
    DO $$
    BEGIN
      IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'gatehouse_tenant') THEN
        CREATE ROLE gatehouse_tenant NOLOGIN NOSUPERUSER NOBYPASSRLS NOINHERIT;
      END IF;
    EXCEPTION
      WHEN duplicate_object OR unique_violation THEN NULL;
      WHEN insufficient_privilege THEN
        RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege', MESSAGE = format(
          'the role gatehouse_tenant is missing and %I may not create it: as a superuser run deploy/sql/roles.sql, or '
          || 'CREATE ROLE gatehouse_tenant NOLOGIN NOINHERIT; GRANT gatehouse_tenant TO %I;', current_user, current_user);
    END $$`);
}

/** Since PostgreSQL 16 to have made a role is not yet to be allowed to become it. */
async function becomeTenant(queryRunner: QueryRunner): Promise<void> {
  await queryRunner.query(`
    DO $$
    DECLARE
      becoming text := CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END;
    BEGIN
      IF NOT pg_has_role('gatehouse_tenant', becoming) THEN
        EXECUTE format('GRANT gatehouse_tenant TO %I', current_user);
      END IF;
    EXCEPTION
      WHEN unique_violation THEN NULL;
      WHEN insufficient_privilege THEN
        RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege', MESSAGE = format(
          '%I may not become gatehouse_tenant: as a superuser run deploy/sql/roles.sql, or GRANT gatehouse_tenant TO %I;',
          current_user, current_user);
    END $$`);
}
