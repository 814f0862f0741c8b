"""How many threads a library may use."""

from contextlib import AbstractContextManager
from typing import Any


def one_thread() -> AbstractContextManager[Any]:
    """Keep OpenMP to one thread: on a busy machine its threads wait for one another much longer than they work."""
    import threadpoolctl as untyped_threadpoolctl  # pyright: ignore[reportMissingTypeStubs]

    threadpoolctl: Any = untyped_threadpoolctl
    return threadpoolctl.threadpool_limits(limits=1, user_api="openmp")
