"""Limits on the threads of libraries."""

from contextlib import AbstractContextManager
from typing import Any


def one_thread() -> AbstractContextManager[Any]:
    """Limit OpenMP to one thread, because on a busy machine its threads wait for each other longer than they work."""
    import threadpoolctl as untyped_threadpoolctl  # pyright: ignore[reportMissingTypeStubs]

    threadpoolctl: Any = untyped_threadpoolctl
    return threadpoolctl.threadpool_limits(limits=1, user_api="openmp")
