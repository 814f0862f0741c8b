-- The columns of one table or view, in the order of their declaration.
SELECT
    column_name,
    CASE data_type
        WHEN 'NUMBER' THEN 'NUMBER(' || CAST(numeric_precision AS VARCHAR) || ',' || CAST(numeric_scale AS VARCHAR) || ')'
        ELSE data_type
    END
FROM information_schema.columns
WHERE table_catalog = $table_catalog
  AND table_schema = $table_schema
  AND table_name = $table_name
ORDER BY ordinal_position
