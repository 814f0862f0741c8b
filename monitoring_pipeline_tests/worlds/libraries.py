"""Variables that choose how libraries compute, which processes of the tests hand on to those that they start."""

import os


def library_variables() -> dict[str, str]:
    """Return the variables of OpenBLAS: another kernel sums in another order, and differs in the last digits."""
    return {name: value for name, value in os.environ.items() if name.startswith("OPENBLAS_")}
