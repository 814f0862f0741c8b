"""The tables of the store, in SQLAlchemy Core."""
