-- The role that reads predictions and labels, in their database: psql -v schema=public -f sql/roles/sources.sql
-- Run it as an administrator, once for each schema of sources. It may run again, and then changes nothing.
--
-- monitoring_sources     reads the tables and views of that schema that exist now; run it again for later ones

BEGIN;

DO $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'monitoring_sources') THEN
        CREATE ROLE monitoring_sources LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE;
    END IF;
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO monitoring_sources', current_database());
END
$$;

GRANT USAGE ON SCHEMA :"schema" TO monitoring_sources;
GRANT SELECT ON ALL TABLES IN SCHEMA :"schema" TO monitoring_sources;
ALTER ROLE monitoring_sources SET default_transaction_read_only = on;

COMMIT;
