"""PostgreSQL, and servers that speak its protocol and SQL, over ADBC."""
