-- Three roles for Gatehouse, so that whoever takes over the service can read and write rows and nothing more:
--
--   gatehouse_owner   owns the tables, and migrates: `gatehouse db migrate` with its DATABASE_URL
--   gatehouse_app     serves requests; every migration ends by giving it its rights, table by table
--   gatehouse_tenant  what the service becomes for users' own rows: nobody logs in as it, and row-level security holds it
--
-- Run it once for a database, before the first migration, by a superuser or by the database's owner who may create roles;
-- running it again changes nothing. The first two have no password yet: set one for each with \password in psql.
--
--   psql "$ADMIN_URL" --single-transaction --set ON_ERROR_STOP=1 --file roles.sql

DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'gatehouse_owner') THEN
    CREATE ROLE gatehouse_owner LOGIN;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'gatehouse_app') THEN
    CREATE ROLE gatehouse_app LOGIN;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'gatehouse_tenant') THEN
    CREATE ROLE gatehouse_tenant NOLOGIN NOSUPERUSER NOBYPASSRLS NOINHERIT;
  END IF;
END
$$;

-- To become the tenant is allowed, to have its rights beside one's own is not: who forgets to become it is refused.
ALTER ROLE gatehouse_app NOINHERIT;
GRANT gatehouse_tenant TO gatehouse_owner, gatehouse_app;

-- Nobody else connects; what you watch or back up with as another role needs a GRANT CONNECT of its own.
DO $$
BEGIN
  EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
  -- CREATE is for the schema of the job queue.
  EXECUTE format('GRANT CONNECT, CREATE ON DATABASE %I TO gatehouse_owner', current_database());
  EXECUTE format('GRANT CONNECT ON DATABASE %I TO gatehouse_app', current_database());
  -- Behind a pooler these are the only limits of what runs outside of transactions. They are those of docs/configuration.md.
  EXECUTE format('ALTER ROLE gatehouse_app IN DATABASE %I SET statement_timeout = ''5s''', current_database());
  EXECUTE format('ALTER ROLE gatehouse_app IN DATABASE %I SET lock_timeout = ''2s''', current_database());
  EXECUTE format('ALTER ROLE gatehouse_app IN DATABASE %I SET idle_in_transaction_session_timeout = ''10s''',
    current_database());
END
$$;

-- Until PostgreSQL 15 everybody may create tables here.
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO gatehouse_owner;
GRANT USAGE ON SCHEMA public TO gatehouse_app;
