"""What a user has said about columns, or a file beside the source: roles, kinds and values."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from monitoring_pipeline.evaluation.drafting.guesses.roles_table import Role
from monitoring_pipeline.spec.sources import FeatureKind, Task


@dataclass(frozen=True)
class RegisteredVersion:
    """A version of a model, by the names of a registry."""

    model: str
    version: str


@dataclass(frozen=True, kw_only=True)
class Hints:
    """What one origin says.

    Args:
        origin: the words for it, such as ``MLmodel (MLflow signature)``.
        roles: the columns of each role.
        features: the inputs, and their kinds where the origin has them.
        is_complete: whether ``features`` lists all inputs of the model.
        task: the task.
        positive: the class that counts as positive.
        unique: columns whose values do not repeat.
        registered: the version of the model, if the origin is a registry.
        must_exist: whether a column that does not exist is an error of the user.
    """

    origin: str
    roles: Mapping[Role, tuple[str, ...]] = field(default_factory=dict[Role, tuple[str, ...]])
    features: Mapping[str, FeatureKind | None] = field(default_factory=dict[str, FeatureKind | None])
    is_complete: bool = False
    task: Task | None = None
    positive: str | None = None
    unique: tuple[str, ...] = ()
    registered: RegisteredVersion | None = None
    must_exist: bool = False


@dataclass(frozen=True)
class Advice:
    """All hints, in order of precedence: those of the user come first."""

    hints: tuple[Hints, ...] = ()

    def columns_of(self, role: Role, existing: Iterable[str]) -> tuple[tuple[str, ...], str]:
        """Return the columns that have a role by the first origin that names one which exists, and the origin."""
        by_name = _by_folded_name(existing)
        for hints in self.hints:
            found = tuple(by_name[name.casefold()] for name in hints.roles.get(role, ()) if name.casefold() in by_name)
            if found:
                return found, hints.origin
        return (), ""

    @property
    def paths(self) -> tuple[str, ...]:
        """The named columns that may be values inside of nested columns, such as ``out.risk``."""
        named = (name for hints in self.hints for columns in hints.roles.values() for name in columns)
        return tuple(dict.fromkeys(name for name in named if "." in name))

    def not_existing(self, existing: Iterable[str]) -> tuple[str, str] | None:
        """Return the first column that a user names and that does not exist, after its option; None without such."""
        by_name = _by_folded_name(existing)
        for hints in self.hints:
            for role, columns in hints.roles.items():
                for name in columns:
                    if hints.must_exist and name.casefold() not in by_name:
                        return f"{hints.origin} {role}={name}", name
        return None

    def kind_of(self, name: str) -> tuple[FeatureKind | None, str]:
        """Return the kind of an input, and the origin."""
        for hints in self.hints:
            for feature, kind in hints.features.items():
                if kind is not None and feature.casefold() == name.casefold():
                    return kind, hints.origin
        return None, ""

    def inputs(self, existing: Iterable[str]) -> tuple[frozenset[str] | None, str]:
        """Return the existing columns that are inputs if an origin lists all of them, and the origin."""
        by_name = _by_folded_name(existing)
        for hints in self.hints:
            found = frozenset(by_name[name.casefold()] for name in hints.features if name.casefold() in by_name)
            if hints.is_complete and found:
                return found, hints.origin
        return None, ""

    def missing_inputs(self, existing: Iterable[str]) -> tuple[tuple[str, ...], str]:
        """Return the inputs that do not exist, by the first origin that lists all inputs, and the origin."""
        by_name = _by_folded_name(existing)
        for hints in self.hints:
            if hints.is_complete and any(name.casefold() in by_name for name in hints.features):
                return tuple(name for name in hints.features if name.casefold() not in by_name), hints.origin
        return (), ""

    @property
    def registered(self) -> RegisteredVersion | None:
        """The version of the model by the first origin that is a registry."""
        return next((hints.registered for hints in self.hints if hints.registered), None)

    @property
    def task(self) -> tuple[Task | None, str]:
        """The task, and the origin."""
        return next(((hints.task, hints.origin) for hints in self.hints if hints.task), (None, ""))

    @property
    def positive(self) -> tuple[str | None, str]:
        """The positive class, and the origin."""
        return next(((hints.positive, hints.origin) for hints in self.hints if hints.positive is not None), (None, ""))

    @property
    def unique(self) -> frozenset[str]:
        """Columns whose values do not repeat, in small letters."""
        return frozenset(name.casefold() for hints in self.hints for name in hints.unique)


def _by_folded_name(existing: Iterable[str]) -> dict[str, str]:
    return {name.casefold(): name for name in existing}
