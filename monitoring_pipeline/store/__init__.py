"""The store of results: tables in SQLite or PostgreSQL, and immutable snapshot files beside them."""
