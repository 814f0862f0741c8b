"""How often Python looks for garbage in the process of a command."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

OBJECTS_BETWEEN_COLLECTIONS = (50_000, 20, 100)


@contextmanager
def rare_collections() -> Iterator[None]:
    """Look for garbage rarely until the end of the context.

    A command imports thousands of modules, which are no garbage. Looking through them took a seventh of its start.
    """
    before = gc.get_threshold()
    gc.set_threshold(*OBJECTS_BETWEEN_COLLECTIONS)
    try:
        yield
    finally:
        gc.set_threshold(*before)
