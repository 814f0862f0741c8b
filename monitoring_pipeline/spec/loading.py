"""Load model specs from YAML files; errors name the file, the field and the allowed values."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.parsing.documents import SpecError, document_of, load_document, read_keys
from monitoring_pipeline.spec.parsing.files import LONGEST_PROBLEM, clipped, leads_out, shown

SPEC_SUFFIX = ".yaml"
SUITE_SUFFIX = ".suite.yaml"
_EXPECTED_KEYS = "name and task"
_Content = dict[str, object] | SpecError


@dataclass(frozen=True)
class LoadedSpec:
    """A model spec and the file it came from."""

    spec: ModelSpec
    path: Path

    @property
    def suite_path(self) -> Path:
        """The Great Expectations suite that belongs to the model; it may not exist yet."""
        return self.path.parent / (self.spec.quality.suite or f"{self.spec.name}{SUITE_SUFFIX}")

    @property
    def folder(self) -> Path:
        """The folder of the spec. Files that the spec names are in it or below."""
        return self.path.parent


Check = Callable[[LoadedSpec], None]
"""Raises a SpecError if a spec has a problem that its fields alone do not show."""


@dataclass(frozen=True, kw_only=True)
class BadSpec:
    """A file that cannot be used as a model spec.

    Args:
        path: the file.
        problems: one line per problem, with the path of the file.
        model: the ``name`` in the file, else the name of the file.
        owner: the ``owner`` in the file; empty if it has none.
    """

    path: Path
    problems: tuple[str, ...]
    model: str
    owner: str = ""


@dataclass(frozen=True, kw_only=True)
class SpecFolder:
    """The specs of a directory: the usable ones in order of the models' names, and the others."""

    good: tuple[LoadedSpec, ...] = ()
    bad: tuple[BadSpec, ...] = ()

    @property
    def problems(self) -> tuple[str, ...]:
        """All problems, one line each."""
        return tuple(problem for bad in self.bad for problem in bad.problems)


def read_specs(directory: Path, check: Check = lambda _: None) -> SpecFolder:
    """Read every spec of a directory; a problem in one file does not affect the others.

    If two specs share a name, the one in the file of that name is used, else the first.

    Args:
        directory: folder of the files.
        check: a further check of each spec.

    Raises:
        SpecError: when the directory does not exist.
    """
    if not directory.is_dir():
        message = f"{directory}: no such directory of model specs"
        raise SpecError(message)
    return read_files([path for path in directory.glob("*.y*ml") if not path.name.endswith(SUITE_SUFFIX)], check)


def read_files(paths: Iterable[Path], check: Check = lambda _: None) -> SpecFolder:
    """Read files as the specs of one directory."""
    loaded: dict[str, LoadedSpec] = {}
    bad: dict[Path, BadSpec] = {}
    contents = {path: _content_of(path) for path in sorted(paths)}
    for path, content in sorted(contents.items(), key=_name_differs_from_file):
        try:
            entry = _load_unique(path, content, loaded)
            check(entry)
        except SpecError as error:
            bad[path] = _bad_spec(path, error, content)
        except Exception as error:  # noqa: BLE001 - an unforeseen value must not stop the other files
            bad[path] = _bad_spec(path, _unforeseen(path, error), content)
        else:
            loaded[entry.spec.name] = entry
    return SpecFolder(
        good=tuple(loaded[name] for name in sorted(loaded)),
        bad=tuple(bad[path] for path in sorted(bad)),
    )


def usable_specs(folder: SpecFolder) -> tuple[LoadedSpec, ...]:
    """Return the usable specs of a directory.

    Raises:
        SpecError: when there are files, and none of them is usable.
    """
    if folder.bad and not folder.good:
        raise SpecError("\n".join(folder.problems))
    return folder.good


def load_specs(directory: Path) -> list[LoadedSpec]:
    """Load every spec of a directory, in order of the models' names.

    Raises:
        SpecError: when the directory does not exist, a file cannot be read, or two models share a name.
    """
    folder = read_specs(directory)
    if folder.bad:
        raise SpecError("\n".join(folder.problems))
    return list(folder.good)


def load_spec(path: Path) -> LoadedSpec:
    """Load one model spec.

    Raises:
        SpecError: with one line per problem: file, field, value, and what is allowed.
    """
    return _with_its_files(LoadedSpec(load_document(path, ModelSpec, expected_keys=_EXPECTED_KEYS), path))


def _load_unique(path: Path, content: _Content, loaded: dict[str, LoadedSpec]) -> LoadedSpec:
    if path.suffix != SPEC_SUFFIX:
        message = f"{path}: specs end in {SPEC_SUFFIX}; rename it to {path.stem}{SPEC_SUFFIX}"
        raise SpecError(message)
    if isinstance(content, SpecError):
        raise content
    entry = _with_its_files(LoadedSpec(document_of(content, path, ModelSpec), path))
    if entry.spec.name in loaded:
        message = f"{path}: name: {entry.spec.name!r} is taken by {loaded[entry.spec.name].path.name}"
        raise SpecError(message)
    return entry


def _with_its_files(loaded: LoadedSpec) -> LoadedSpec:
    """Return a spec whose files are in its folder or below.

    Raises:
        SpecError: when one is elsewhere.
    """
    problems = [
        f"{loaded.path}: {field}: {shown(name)} leads out of {loaded.folder}, the folder of the spec; move or copy "
        "the file into it"
        for field, name in _files_of(loaded)
        if leads_out(loaded.folder, name)
    ]
    if problems:
        raise SpecError("\n".join(problems))
    return loaded


def _files_of(loaded: LoadedSpec) -> Iterator[tuple[str, str]]:
    """Yield fields and the files that they name, relative to the spec."""
    spec = loaded.spec
    yield "quality.suite", spec.quality.suite or loaded.suite_path.name
    for name, metric in spec.business.items():
        yield f"business.{name}.sql", metric.sql
    if spec.cost is not None and spec.cost.sql is not None:
        yield "cost.sql", spec.cost.sql
    packages = spec.operations.dependencies
    if packages is not None and packages.file is not None:
        yield "operations.dependencies.file", packages.file


def _name_differs_from_file(read: tuple[Path, _Content]) -> bool:
    path, content = read
    return isinstance(content, SpecError) or content.get("name") != path.stem


def unusable(path: Path, error: Exception) -> BadSpec:
    """Return a file as unusable because of an unforeseen error."""
    return _bad_spec(path, _unforeseen(path, error), _content_of(path))


def _unforeseen(path: Path, error: Exception) -> SpecError:
    return SpecError(f"{path}: cannot be used: {type(error).__name__}: {clipped(' '.join(str(error).split()))}")


def _bad_spec(path: Path, error: SpecError, content: _Content) -> BadSpec:
    keys: dict[str, object] = {} if isinstance(content, SpecError) else content
    name, owner = (clipped(_text_of(keys.get(key))) for key in ("name", "owner"))
    longest = len(str(path)) + LONGEST_PROBLEM
    problems = tuple(clipped(line, longest) for line in str(error).splitlines())
    return BadSpec(path=path, problems=problems, model=name or path.stem, owner=owner)


def _text_of(value: object) -> str:
    return value if isinstance(value, str) else shown(value) if value else ""


def _content_of(path: Path) -> _Content:
    """Return the keys and values of a file, or the error if it cannot be read. Each file is read once."""
    try:
        return read_keys(path, expected_keys=_EXPECTED_KEYS)
    except SpecError as error:
        return error
