-- The tables and views of the connected database.
SELECT
    table_catalog,
    table_schema,
    table_name,
    coalesce(table_schema = current_schema(), FALSE)
FROM information_schema.tables
WHERE table_catalog = current_database()
  AND table_schema <> 'INFORMATION_SCHEMA'
ORDER BY table_schema, table_name
