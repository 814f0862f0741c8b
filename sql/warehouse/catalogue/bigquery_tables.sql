-- The tables and views of one dataset, or of all datasets of a region.
SELECT table_catalog, table_schema, table_name, table_schema = {dataset} AS in_default_schema
FROM {place}.INFORMATION_SCHEMA.TABLES
ORDER BY table_schema, table_name
