"""Files as a warehouse: Parquet, CSV and JSON lines, read by DuckDB."""
