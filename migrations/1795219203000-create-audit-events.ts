import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The audit trail: `audit_events` by the month of `created_at`, `audit_links` that chain them, by the same months;
 * `audit_pending` are the events that wait for their link, `audit_head` is the newest link. docs/audit.md says how they
 * work together and what a role that only serves requests needs.
 */
export class CreateAuditEvents1795219203000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await createEvents(queryRunner);
    await createLinks(queryRunner);
    await refuseChanges(queryRunner);
    await createMonths(queryRunner);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP FUNCTION drop_audit_month(date)`);
    await queryRunner.query(`DROP FUNCTION add_audit_month(date)`);
    await queryRunner.query(`DROP TABLE audit_events, audit_links, audit_pending, audit_head`);
    await queryRunner.query(`DROP FUNCTION await_audit_link()`);
    await queryRunner.query(`DROP FUNCTION allow_forgetting()`);
    await queryRunner.query(`DROP FUNCTION refuse_audit_change()`);
  }
}

async function createEvents(queryRunner: QueryRunner): Promise<void> {
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
      mac bytea NOT NULL,
      client_mac bytea,
      CONSTRAINT pk_audit_events PRIMARY KEY (created_at, id)
    ) PARTITION BY RANGE (created_at)`);
  await queryRunner.query(`CREATE INDEX ix_audit_events_user ON audit_events (user_id, created_at, id)`);
  // Takes what no month is there for, such as the events of a server whose clock is wrong: recording never fails.
  await queryRunner.query(`CREATE TABLE audit_events_default PARTITION OF audit_events DEFAULT`);
}

async function createLinks(queryRunner: QueryRunner): Promise<void> {
  await queryRunner.query(`
    CREATE TABLE audit_links (
      sequence bigint NOT NULL,
      month date NOT NULL,
      event_id uuid,
      event_created_at timestamptz(3),
      event_mac bytea,
      dropped int8multirange,
      previous_hash bytea NOT NULL,
      hash bytea NOT NULL,
      sealed_at timestamptz(3) NOT NULL,
      CONSTRAINT pk_audit_links PRIMARY KEY (sequence, month)
    ) PARTITION BY RANGE (month)`);
  await queryRunner.query(`CREATE UNIQUE INDEX ux_audit_links_event ON audit_links (event_id, month)`);
  await queryRunner.query(
    `CREATE INDEX ix_audit_links_dropped ON audit_links (sequence) WHERE dropped IS NOT NULL`,
  );
  await queryRunner.query(`CREATE TABLE audit_links_default PARTITION OF audit_links DEFAULT`);
  await queryRunner.query(`
    CREATE TABLE audit_pending (
      position bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
      event_id uuid NOT NULL,
      event_created_at timestamptz(3) NOT NULL,
      CONSTRAINT pk_audit_pending PRIMARY KEY (position)
    ) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000)`);
  // Its one row is also the lock of whoever links.
  await queryRunner.query(`
    CREATE TABLE audit_head (
      is_only boolean NOT NULL DEFAULT true CONSTRAINT ck_audit_head_only CHECK (is_only),
      sequence bigint NOT NULL,
      hash bytea NOT NULL,
      CONSTRAINT pk_audit_head PRIMARY KEY (is_only)
    )`);
  await queryRunner.query(`INSERT INTO audit_head (sequence, hash) VALUES (0, '')`);
  await queryRunner.query(`
    CREATE FUNCTION await_audit_link() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      INSERT INTO audit_pending (event_id, event_created_at) VALUES (NEW.id, NEW.created_at);
      RETURN NULL;
    END $$`);
  await queryRunner.query(`
    CREATE TRIGGER tr_audit_events_pending AFTER INSERT ON audit_events
    FOR EACH ROW EXECUTE FUNCTION await_audit_link()`);
}

/** Triggers for rows reach every partition by themselves; those for TRUNCATE have to be created on each. */
async function refuseChanges(queryRunner: QueryRunner): Promise<void> {
  await queryRunner.query(`
    CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      RAISE EXCEPTION 'the audit trail is append-only' USING ERRCODE = 'insufficient_privilege';
    END $$`);
  // One change is allowed: forgetting where a user was, when the account is deleted.
  await queryRunner.query(`
    CREATE FUNCTION allow_forgetting() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF NEW.ip IS NULL AND NEW.user_agent IS NULL AND NEW.client_mac IS NULL AND OLD.user_id IS NOT NULL
         AND (NEW.id, NEW.action, NEW.user_id, NEW.session_id, NEW.request_id, NEW.created_at, NEW.mac)
           IS NOT DISTINCT FROM
             (OLD.id, OLD.action, OLD.user_id, OLD.session_id, OLD.request_id, OLD.created_at, OLD.mac) THEN
        RETURN NEW;
      END IF;
      RAISE EXCEPTION 'the audit trail is append-only' USING ERRCODE = 'insufficient_privilege';
    END $$`);
  await queryRunner.query(`
    CREATE TRIGGER tr_audit_events_unchanged BEFORE UPDATE ON audit_events
    FOR EACH ROW EXECUTE FUNCTION allow_forgetting()`);
  await queryRunner.query(`
    CREATE TRIGGER tr_audit_events_kept BEFORE DELETE ON audit_events
    FOR EACH ROW EXECUTE FUNCTION refuse_audit_change()`);
  await queryRunner.query(`
    CREATE TRIGGER tr_audit_links_unchanged BEFORE UPDATE OR DELETE ON audit_links
    FOR EACH ROW EXECUTE FUNCTION refuse_audit_change()`);
  for (const table of ['audit_events', 'audit_links', 'audit_events_default', 'audit_links_default'])
    await queryRunner.query(`
      CREATE TRIGGER tr_${table}_not_truncated BEFORE TRUNCATE ON ${table}
      FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change()`);
}

/**
 * They run as the role that migrates, so that the role that serves requests needs no right to create or drop tables, and
 * in this schema whatever the caller's search_path says. They give up soon: whoever records an event waits behind them.
 */
async function createMonths(queryRunner: QueryRunner): Promise<void> {
  const [row] = (await queryRunner.query(`SELECT quote_ident(current_schema()) AS schema`)) as {
    schema: string;
  }[];
  const asOwner = `LANGUAGE plpgsql SECURITY DEFINER SET search_path = ${row!.schema}, pg_temp SET lock_timeout = '500ms'`;
  await queryRunner.query(`
    CREATE FUNCTION add_audit_month(month date) RETURNS boolean ${asOwner} AS $$
    DECLARE
      first timestamptz := date_trunc('month', month::timestamp) AT TIME ZONE 'UTC';
      next timestamptz := (date_trunc('month', month::timestamp) + interval '1 month') AT TIME ZONE 'UTC';
      suffix text := to_char(month, 'YYYY_MM');
      parent text;
      part text;
      condition text;
      bounds text;
      has_strays boolean;
    BEGIN
      IF to_regclass('audit_events_' || suffix) IS NOT NULL THEN
        RETURN false;
      END IF;
      FOREACH parent IN ARRAY ARRAY['audit_events', 'audit_links'] LOOP
        part := parent || '_' || suffix;
        IF parent = 'audit_events' THEN
          condition := format('created_at >= %L AND created_at < %L', first, next);
          bounds := format('FROM (%L) TO (%L)', first, next);
        ELSE
          condition := format('month >= %L AND month < %L', (first AT TIME ZONE 'UTC')::date, (next AT TIME ZONE 'UTC')::date);
          bounds := format('FROM (%L) TO (%L)', (first AT TIME ZONE 'UTC')::date, (next AT TIME ZONE 'UTC')::date);
        END IF;
        EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', part, parent);
        EXECUTE format('LOCK TABLE %I IN ACCESS EXCLUSIVE MODE', parent || '_default');
        EXECUTE format('SELECT EXISTS (SELECT FROM %I WHERE %s)', parent || '_default', condition) INTO has_strays;
        IF has_strays THEN
          EXECUTE format('ALTER TABLE %I DISABLE TRIGGER USER', parent || '_default');
          EXECUTE format('WITH moved AS (DELETE FROM %I WHERE %s RETURNING *) INSERT INTO %I SELECT * FROM moved',
            parent || '_default', condition, part);
          EXECUTE format('ALTER TABLE %I ENABLE TRIGGER USER', parent || '_default');
        END IF;
        EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES %s', parent, part, bounds);
        EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change()',
          'tr_' || part || '_not_truncated', part);
      END LOOP;
      RETURN true;
    END $$`);
  // Whoever takes over the service must not be able to drop what has just happened.
  await queryRunner.query(`
    CREATE FUNCTION drop_audit_month(month date) RETURNS void ${asOwner} AS $$
    DECLARE
      first timestamptz := date_trunc('month', month::timestamp) AT TIME ZONE 'UTC';
      next timestamptz := (date_trunc('month', month::timestamp) + interval '1 month') AT TIME ZONE 'UTC';
      suffix text := to_char(month, 'YYYY_MM');
    BEGIN
      IF next > now() - interval '30 days' THEN
        RAISE EXCEPTION 'a month of the audit trail is kept for 30 days after its end'
          USING ERRCODE = 'insufficient_privilege';
      END IF;
      PERFORM add_audit_month(month);
      EXECUTE format('DROP TABLE %I, %I', 'audit_events_' || suffix, 'audit_links_' || suffix);
      DELETE FROM audit_pending WHERE event_created_at >= first AND event_created_at < next;
    END $$`);
  for (const name of ['add_audit_month', 'drop_audit_month'])
    await queryRunner.query(`REVOKE EXECUTE ON FUNCTION ${name}(date) FROM PUBLIC`);
  await queryRunner.query(`
    SELECT add_audit_month((date_trunc('month', now() AT TIME ZONE 'UTC') + ahead * interval '1 month')::date)
    FROM generate_series(0, 3) AS ahead`);
}
