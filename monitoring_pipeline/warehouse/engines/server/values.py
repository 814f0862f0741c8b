"""How drivers take the values of a user's SQL, and names of its columns that a frame can have."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class NumberedValues:
    """Values in the order of their first use, as ``$1``."""

    names: list[str] = field(default_factory=list)

    def placeholder(self, name: str) -> str:
        """Return the placeholder of a parameter."""
        if name not in self.names:
            self.names.append(name)
        return f"${self.names.index(name) + 1}"

    def bound(self, values: Mapping[str, object]) -> tuple[object, ...]:
        """Return the values of the placeholders that were written."""
        return tuple(values[name] for name in self.names)


@dataclass(frozen=True)
class PlacedValues:
    """Values in the order of their use, as ``?``."""

    names: list[str] = field(default_factory=list)

    def placeholder(self, name: str) -> str:
        """Return the placeholder of a parameter."""
        self.names.append(name)
        return "?"

    def bound(self, values: Mapping[str, object]) -> tuple[object, ...]:
        """Return the values of the placeholders that were written."""
        return tuple(values[name] for name in self.names)


@dataclass(frozen=True)
class NamedValues:
    """Values by name, with a mark such as ``@`` in front."""

    mark: str
    names: list[str] = field(default_factory=list)

    def placeholder(self, name: str) -> str:
        """Return the placeholder of a parameter."""
        self.names.append(name)
        return f"{self.mark}{name}"

    def bound(self, values: Mapping[str, object]) -> Mapping[str, object]:
        """Return the values of the placeholders that were written."""
        return {name: values[name] for name in self.names}


def unique_names(names: Sequence[str]) -> list[str]:
    """Return the names of columns, or numbers if some are equal."""
    return list(names) if len(set(names)) == len(names) else [str(place) for place in range(len(names))]
