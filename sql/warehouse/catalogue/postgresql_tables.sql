-- The tables and views of the connected database, materialized views and foreign tables included.
SELECT
    CAST(current_database() AS TEXT),
    CAST(n.nspname AS TEXT),
    CAST(c.relname AS TEXT),
    pg_table_is_visible(c.oid)
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND n.nspname NOT IN ('information_schema', 'pg_catalog')
  AND n.nspname NOT LIKE 'pg\_%'
ORDER BY 2, 3
