-- The columns of one table or view, in the order of their declaration. A domain has the type that it is made of.
SELECT
    CAST(a.attname AS TEXT),
    CASE t.typtype
        WHEN 'e' THEN 'ENUM'
        WHEN 'c' THEN 'COMPOSITE'
        WHEN 'd' THEN upper(format_type(t.typbasetype, t.typtypmod))
        ELSE upper(format_type(a.atttypid, a.atttypmod))
    END
FROM pg_catalog.pg_attribute AS a
JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE a.attnum > 0
  AND NOT a.attisdropped
  AND n.nspname = $table_schema
  AND c.relname = $table_name
ORDER BY a.attnum
