-- The tables and views of the current catalog.
SELECT
    table_catalog,
    table_schema,
    table_name,
    table_schema = current_schema() AS in_default_schema
FROM information_schema.tables
WHERE table_catalog = current_catalog()
  AND table_schema <> 'information_schema'
ORDER BY table_schema, table_name
