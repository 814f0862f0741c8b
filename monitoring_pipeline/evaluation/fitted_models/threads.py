"""Limits on the threads of libraries."""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any


@contextmanager
def one_thread() -> Generator[None]:
    """Limit BLAS and OpenMP to one thread until the end of the context, or of the decorated function.

    The order in which several threads add numbers changes the last digits of a sum, so that results would depend on
    the number of cores. On a busy machine, threads of OpenMP wait for each other longer than they work.
    """
    with _libraries(len(sys.modules)).limit(limits=1):
        yield


@lru_cache(maxsize=1)
def _libraries(modules: int) -> Any:  # noqa: ARG001 - the key of the cache
    """Return the loaded libraries; a library is loaded by a module, so they are looked for again after an import."""
    import threadpoolctl as untyped_threadpoolctl  # pyright: ignore[reportMissingTypeStubs]

    threadpoolctl: Any = untyped_threadpoolctl
    return threadpoolctl.ThreadpoolController()
