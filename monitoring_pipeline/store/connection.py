"""Open and close the store's database, for all parts of the store."""

import weakref
from typing import Self

from sqlalchemy.engine import Engine

from monitoring_pipeline.store.engine import create_store_engine
from monitoring_pipeline.store.schema import bring_to_head, require_head


class StoreConnection:
    """A database whose schema is at head; safe to use from several threads and processes at once."""

    def __init__(self, engine: Engine) -> None:
        """Take an engine whose schema is at head; callers use ``open`` instead."""
        self._engine = engine
        weakref.finalize(self, engine.dispose)

    @classmethod
    def open(cls, url: str) -> Self:
        """Open the store at a SQLAlchemy URL, and create or upgrade it if necessary.

        Raises:
            ValueError: when the URL is neither a SQLite file nor PostgreSQL.
            StoreSchemaError: when a newer version of this package made the store.
        """
        engine = create_store_engine(url)
        try:
            bring_to_head(engine)
        except BaseException:
            engine.dispose()
            raise
        return cls(engine)

    @classmethod
    def open_to_read(cls, url: str) -> Self:
        """Open an existing store for reading; its schema is not changed.

        Raises:
            ValueError: when the URL is neither a SQLite file nor PostgreSQL.
            StoreSchemaError: when there is no store, or its schema is not the newest.
        """
        engine = create_store_engine(url)
        try:
            require_head(engine)
        except BaseException:
            engine.dispose()
            raise
        return cls(engine)

    def close(self) -> None:
        """Close the connections; the next use opens new ones."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        """Return the store; the end of the block closes it."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the store."""
        self.close()
