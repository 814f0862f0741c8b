"""The SELECTs of tables that have not changed. To make one, all rows of CSV or all footers of Parquet are read."""

from collections.abc import Callable, Hashable

SELECTS_KEPT = 64

_kept: dict[Hashable, str] = {}


def kept_select(key: Hashable, make: Callable[[], str]) -> str:
    """Return the SELECT of a key, which is made at the first call.

    Args:
        key: everything that the SELECT depends on, such as the files and their states.
        make: returns the SELECT.
    """
    if key not in _kept:
        while len(_kept) >= SELECTS_KEPT:
            _kept.pop(next(iter(_kept)))
        _kept[key] = make()
    return _kept[key]
