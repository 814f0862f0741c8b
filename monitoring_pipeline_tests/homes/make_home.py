"""Make a home with the version that Python finds first on its path, and store it beside this file.

The folder of a home has the name of the commit that made it. To add a home of another version::

    git worktree add ../before COMMIT
    PYTHONPATH=$PWD/../before:$PWD python -P -m monitoring_pipeline_tests.homes.make_home COMMIT

``-P`` keeps the current folder from being found first. The folder gets ``home.tar.xz``, the output of that version's
commands in ``printed``, and their output after one more night in ``printed_later``. The story of an older home must not
change, so a new story needs a new module.
"""

import shutil
import sys
import tempfile
from pathlib import Path

import monitoring_pipeline
from monitoring_pipeline_tests.homes.lived_home import opened
from monitoring_pipeline_tests.homes.printing import NEXT_MORNING, PRINTED, print_all
from monitoring_pipeline_tests.homes.stored_home import HERE, pack, unpack
from monitoring_pipeline_tests.homes.story import live_next, live_story, write_story


def make_home(name: str) -> None:
    """Live the story with the version at hand, and store the home."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "home"
        write_story(folder)
        with opened(folder) as home:
            live_story(home)
        _keep_dagster_settings(folder)
        pack(folder, HERE / name)


def print_home(name: str) -> None:
    """Store the output of the version at hand about a stored home, as it is and a night later."""
    with tempfile.TemporaryDirectory() as temporary, opened(unpack(name, Path(temporary) / "home")) as home:
        print_all(home, HERE / name / PRINTED)
        live_next(home)
        print_all(home, HERE / name / NEXT_MORNING, later=True)


def _keep_dagster_settings(folder: Path) -> None:
    """Copy dagster.yaml as a deployment does."""
    (folder / "dagster").mkdir(exist_ok=True)
    shutil.copy(Path(monitoring_pipeline.__file__).parents[1] / "dagster.yaml", folder / "dagster" / "dagster.yaml")


if __name__ == "__main__":
    given = sys.argv[1]
    if not (HERE / given).exists():
        make_home(given)
    print_home(given)
