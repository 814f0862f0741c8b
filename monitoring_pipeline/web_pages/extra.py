"""The libraries of extras, which an installation may lack; pages need those of ``report``."""

from importlib.util import find_spec

DRAWING = ("altair", "jinja2", "vl_convert")
"""What draws a page."""


class MissingLibraryError(ImportError):
    """A library of the extra is not installed; the message names the extra."""


def require_libraries(*names: str, extra: str = "report") -> None:
    """Check that libraries are installed, without importing them.

    Raises:
        MissingLibraryError: when one is not.
    """
    if missing := [name for name in names if not _is_installed(name)]:
        message = f"{', '.join(missing)} not installed: pip install 'monitoring-pipeline[{extra}]'"
        raise MissingLibraryError(message)


def _is_installed(name: str) -> bool:
    return find_spec(name) is not None
