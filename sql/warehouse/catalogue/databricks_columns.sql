-- The columns of one table or view, in the order of their declaration.
SELECT column_name, full_data_type
FROM {catalog}.information_schema.columns
WHERE table_catalog = $table_catalog
  AND table_schema = $table_schema
  AND table_name = $table_name
ORDER BY ordinal_position
