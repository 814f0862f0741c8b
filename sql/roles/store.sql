-- The roles of the store, in the database of the store: who makes its tables, who writes results, who reads them.
-- Run it as an administrator of the database. It may run again, and then changes nothing.
--
-- monitoring_migrations  owns the schema, and makes and upgrades its tables: monitoring-pipeline migrate
-- monitoring_writer      writes results: nights, sensors, commands
-- monitoring_reader      reads results: query, report, digest, metrics, mcp, and serve without people who act

BEGIN;

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['monitoring_migrations', 'monitoring_writer', 'monitoring_reader'] LOOP
        IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = name) THEN
            EXECUTE format('CREATE ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE', name);
        END IF;
        EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), name);
    END LOOP;
END
$$;

CREATE SCHEMA IF NOT EXISTS monitoring;
ALTER SCHEMA monitoring OWNER TO monitoring_migrations;
GRANT USAGE ON SCHEMA monitoring TO monitoring_writer, monitoring_reader;

-- Only migrations may change the revision of the schema. So its table is made here, before the rights below.
CREATE TABLE IF NOT EXISTS monitoring.alembic_version (
    version_num VARCHAR(32) NOT NULL,
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);

-- Tables that were made before the roles.
DO $$
DECLARE
    part record;
BEGIN
    FOR part IN
        SELECT relname, CASE relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END AS kind
        FROM pg_class
        WHERE relnamespace = 'monitoring'::regnamespace AND relkind IN ('r', 'p', 'v')
    LOOP
        EXECUTE format('ALTER %s monitoring.%I OWNER TO monitoring_migrations', part.kind, part.relname);
    END LOOP;
END
$$;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA monitoring TO monitoring_writer;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA monitoring TO monitoring_writer;
GRANT SELECT ON ALL TABLES IN SCHEMA monitoring TO monitoring_reader;
REVOKE INSERT, UPDATE, DELETE ON monitoring.alembic_version FROM monitoring_writer;

-- Tables that migrations make later.
ALTER DEFAULT PRIVILEGES FOR ROLE monitoring_migrations IN SCHEMA monitoring
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO monitoring_writer;
ALTER DEFAULT PRIVILEGES FOR ROLE monitoring_migrations IN SCHEMA monitoring
    GRANT USAGE ON SEQUENCES TO monitoring_writer;
ALTER DEFAULT PRIVILEGES FOR ROLE monitoring_migrations IN SCHEMA monitoring
    GRANT SELECT ON TABLES TO monitoring_reader;

ALTER ROLE monitoring_reader SET default_transaction_read_only = on;

COMMIT;
