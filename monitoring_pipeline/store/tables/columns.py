"""The types of columns of which all tables of the store consist."""

import datetime as dt

import sqlalchemy as sa

SCHEMA = "monitoring"
"""Schema of the tables on PostgreSQL; SQLite has none."""

metadata = sa.MetaData()


class UtcTimestamp(sa.types.TypeDecorator[dt.datetime]):
    """Stores an aware datetime and returns it in UTC; SQLite has no time zones, so it contains UTC."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: sa.Dialect) -> dt.datetime | None:
        """Return the time in UTC, in the form that the database stores.

        Raises:
            ValueError: when the time has no zone.
        """
        if value is None:
            return None
        if value.tzinfo is None:
            message = f"{value} has no time zone"
            raise ValueError(message)
        utc = value.astimezone(dt.UTC)
        return utc if dialect.name == "postgresql" else utc.replace(tzinfo=None)

    def process_result_value(self, value: dt.datetime | None, dialect: sa.Dialect) -> dt.datetime | None:
        """Return an aware datetime in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=dt.UTC) if dialect.name == "sqlite" else value.astimezone(dt.UTC)


def text(name: str, *, key: bool = False, nullable: bool = False) -> sa.Column[str]:
    """Return a column of text."""
    return sa.Column(name, sa.Text, primary_key=key, nullable=nullable)


def number(name: str, *, nullable: bool = True) -> sa.Column[float]:
    """Return a column of 64-bit floats."""
    return sa.Column(name, sa.Double, nullable=nullable)


def count(name: str) -> sa.Column[int]:
    """Return a column of whole numbers."""
    return sa.Column(name, sa.BigInteger, nullable=False)


def time(name: str, *, nullable: bool = False) -> sa.Column[dt.datetime]:
    """Return a column of instants."""
    return sa.Column(name, UtcTimestamp, nullable=nullable)


def numbered(name: str) -> sa.Column[int]:
    """Return a primary key that the database counts up."""
    # SQLite counts up only a key that is declared as INTEGER.
    kind = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    return sa.Column(name, kind, primary_key=True, autoincrement=True)
