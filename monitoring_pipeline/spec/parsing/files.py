"""Reads small text files and YAML; a file cannot take much memory or time, whatever it contains."""

from pathlib import Path
from typing import Any

import yaml

from monitoring_pipeline.spec.parsing.bounded_yaml import BoundedLoader

MOST_BYTES = 1_000_000
MOST_EXPANDED = 2_000_000
LONGEST_VALUE = 300
LONGEST_PROBLEM = 2_000


class UnreadableFileError(ValueError):
    """A file cannot be read as text or YAML; the message contains the reason, without the path."""


def clipped(text: str, longest: int = LONGEST_VALUE) -> str:
    """Return a text, or its beginning if it is longer than ``longest`` characters."""
    return text if len(text) <= longest else f"{text[:longest]}... ({len(text)} characters)"


def shown(value: object) -> str:
    """Return the beginning of the representation of a value."""
    try:
        return clipped(repr(value))
    except ValueError:
        # Python writes no integer of more than 4300 digits.
        return f"a value of type {type(value).__name__} that is too long"


def leads_out(folder: Path, name: str) -> bool:
    """Return whether the path of a file leads out of a folder: absolute, by ``..``, or by a link."""
    try:
        return not (folder / name).resolve().is_relative_to(folder.resolve())
    except (OSError, ValueError, RuntimeError):
        # A loop of links, a name that is too long, or one with a null character.
        return True


def read_small_text(path: Path) -> str:
    """Return the text of a file of at most 1 MB in UTF-8.

    Raises:
        UnreadableFileError: when it is no file, is larger, cannot be read, or is not UTF-8.
    """
    try:
        # A pipe or device would never end.
        if path.exists() and not path.is_file():
            raise UnreadableFileError("cannot be read: it is not a file")
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise UnreadableFileError(f"cannot be read: {error.strerror or type(error).__name__}") from error
    if len(content) > MOST_BYTES:
        raise UnreadableFileError(f"cannot be read: it is larger than {MOST_BYTES // 1000} kB")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise UnreadableFileError(f"cannot be read: {error.reason} at byte {error.start}, it must be UTF-8") from None


def parse_yaml(text: str, loader_class: type[BoundedLoader] = BoundedLoader) -> object:
    """Return the content of a YAML text.

    Raises:
        UnreadableFileError: when it is not YAML, has more than 100,000 parts, is nested too deeply, contains an
            impossible number or date, or refers to its parts so often that they add up to more than two million
            characters.
    """
    try:
        return _constructed(text, loader_class)
    except yaml.YAMLError as error:
        problem = " ".join(str(error).split()).replace('in "<unicode string>", line', "in line")
        raise UnreadableFileError(f"not YAML: {clipped(problem, LONGEST_PROBLEM)}") from error
    except RecursionError:
        raise UnreadableFileError("not usable YAML: it is nested too deeply") from None
    except (ValueError, OverflowError, TypeError, AttributeError, KeyError) as error:
        if isinstance(error, UnreadableFileError):
            raise
        # PyYAML lets such errors through, for instance of a number with 5000 digits or of the 99th month.
        raise UnreadableFileError(f"not usable YAML: {clipped(' '.join(str(error).split()))}") from None


def _constructed(text: str, loader_class: type[BoundedLoader]) -> object:
    loader: Any = loader_class(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        if _expanded_size(node, {}) > MOST_EXPANDED:
            raise UnreadableFileError("not usable YAML: its aliases (*name) repeat too much")
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _expanded_size(node: yaml.Node, known: dict[yaml.Node, int | None]) -> int:
    """Return the number of characters and nodes with every alias written out."""
    if node in known:
        size = known[node]
        if size is None:
            raise UnreadableFileError("not usable YAML: a part contains itself")
        return size
    known[node] = None
    if isinstance(node, yaml.MappingNode):
        size = 1 + sum(_expanded_size(part, known) for pair in node.value for part in pair)
    elif isinstance(node, yaml.SequenceNode):
        size = 1 + sum(_expanded_size(part, known) for part in node.value)
    else:
        size = 1 + len(node.value)
    known[node] = size
    return size
