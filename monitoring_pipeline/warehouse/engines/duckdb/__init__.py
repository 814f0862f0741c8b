"""The embedded warehouse: a DuckDB file."""
