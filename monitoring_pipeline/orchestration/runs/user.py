"""The user of the operating system, for the audit."""

import getpass
import os


def current_user() -> str:
    """Return the name of the user who runs this process; in a container without names, the number."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"
