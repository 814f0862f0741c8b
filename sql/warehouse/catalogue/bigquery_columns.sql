-- The columns of one table or view, in the order of their declaration. Pseudo columns are left out.
SELECT column_name, data_type
FROM {catalog}.{schema}.INFORMATION_SCHEMA.COLUMNS
WHERE table_name = $table_name
  AND is_hidden = 'NO'
ORDER BY ordinal_position
