"""Limits on the threads of libraries."""

from contextlib import AbstractContextManager
from typing import Any


def one_thread() -> AbstractContextManager[Any]:
    """Limit BLAS and OpenMP to one thread until the end of the context.

    The order in which several threads add numbers changes the last digits of a sum, so that results would depend on
    the number of cores. On a busy machine, threads of OpenMP wait for each other longer than they work.
    """
    import threadpoolctl as untyped_threadpoolctl  # pyright: ignore[reportMissingTypeStubs]

    threadpoolctl: Any = untyped_threadpoolctl
    return threadpoolctl.threadpool_limits(limits=1)
