"""Alembic migrations of the store's tables.

A new one is a file in ``versions/`` and ``HEAD_REVISION`` in ``store/schema.py``. It spells its tables out:
what it did must not change when ``tables.py`` does. There is no way down: restore a backup.
"""
