"""Names that a shell completes: models, versions, incidents, channels and queries.

A shell waits for the answer, so nothing here imports the settings, a spec or the store. A file that cannot be read has
no names.
"""

import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import click

from monitoring_pipeline.shipped_files import sql_directory

PREFIX = "MONITORING_PIPELINE_"
SETTINGS_FILE = "settings.env"
NAME = re.compile(r"^name:\s*['\"]?([a-z0-9_]+)", re.MULTILINE)
LARGEST_FILE = 1_000_000
INCIDENTS = "SELECT incident_id FROM incidents ORDER BY updated_at DESC LIMIT 200"


def complete_models(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Return the models of the configured folder whose names begin with a text."""
    return sorted(name for name in _specs() if name.startswith(incomplete))


def complete_versions(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Return the versions with a reference of the typed model; of all models if click has not read it yet."""
    specs = _specs()
    typed = specs.get(str(context.params.get("model")))
    versions = (version for text in ([typed] if typed else specs.values()) for version in _versions(text))
    return [version for version in dict.fromkeys(versions) if version.startswith(incomplete)]


def complete_queries(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Return the documented queries whose names begin with a text."""
    names = sorted(path.stem for path in (sql_directory() / "queries").glob("*.sql"))
    return [name for name in names if name.startswith(incomplete)]


def complete_incidents(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Return the incidents of the home, the ones that changed last first; none of a store elsewhere."""
    path = _home() / "results.db"
    if _setting("STORE_URL") or not path.exists():
        return []
    with suppress(sqlite3.Error), closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=0.1)) as store:
        return [name for (name,) in store.execute(INCIDENTS) if name.startswith(incomplete)]
    return []


def complete_channels(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Return the channels of alerting.yaml whose names begin with a text."""
    path = Path(_setting("ALERTING") or _home() / "alerting.yaml")
    channels = _yaml(_text(path)).get("channels")
    return [name for name in map(str, channels) if name.startswith(incomplete)] if isinstance(channels, dict) else []


def folder_of_models() -> Path:
    """Return the configured folder of specs, as the settings do."""
    return Path(_setting("MODELS") or Path(__file__).parents[2] / "models")


def _specs() -> dict[str, str]:
    """Return the text of each spec by the name of its model."""
    texts = map(_text, sorted(folder_of_models().glob("*.y*ml")))
    return {found[1]: text for text in texts if (found := NAME.search(text))}


def _versions(text: str) -> list[str]:
    reference = _yaml(text).get("reference")
    return [str(version) for version in reference] if isinstance(reference, dict) else []


def _home() -> Path:
    return Path(_variable("HOME") or ".monitoring_pipeline")


def _setting(name: str) -> str:
    """Return a setting from the environment or from the file in the home; empty if it is not set."""
    return _variable(name) or dict(_lines_of_settings_file()).get(PREFIX + name, "")


def _variable(name: str) -> str:
    return os.environ.get(PREFIX + name, "")  # noqa: TID251 - the settings take most of a second to import


def _lines_of_settings_file() -> Iterator[tuple[str, str]]:
    for line in _text(_home() / SETTINGS_FILE).splitlines():
        name, equals, value = line.partition("=")
        if equals:
            yield name.strip(), value.strip().strip("'\"")


def _text(path: Path) -> str:
    with suppress(OSError, UnicodeDecodeError):
        if path.stat().st_size <= LARGEST_FILE:
            return path.read_text(encoding="utf-8")
    return ""


def _yaml(text: str) -> dict[object, object]:
    import yaml

    with suppress(yaml.YAMLError, RecursionError):
        read = yaml.safe_load(text)
        return read if isinstance(read, dict) else {}
    return {}
