"""Alembic migrations of the store's tables.

To add one, write a file in ``versions/`` and change ``HEAD_REVISION`` in ``store/schema.py``. A migration spells its
tables out, because its effect must not change when ``store/tables/`` changes. To go back, restore a backup.
"""
