-- The tables and views of the connected database.
SELECT
    table_catalog,
    table_schema,
    table_name,
    table_schema = current_schema() AS in_default_schema
FROM information_schema.tables
WHERE table_catalog = current_database()
  AND table_schema NOT IN ('information_schema', 'pg_catalog')
ORDER BY table_schema, table_name
