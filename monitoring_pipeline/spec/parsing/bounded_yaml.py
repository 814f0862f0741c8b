"""A loader of YAML that stops at too many parts or too deep a nesting, before it builds anything."""

from importlib import import_module
from typing import Any

import yaml
from yaml.composer import Composer
from yaml.constructor import SafeConstructor
from yaml.parser import Parser
from yaml.reader import Reader
from yaml.resolver import Resolver
from yaml.scanner import Scanner

MOST_NODES = 100_000
DEEPEST = 50


class _PythonEvents(Reader, Scanner, Parser):
    def __init__(self, stream: str) -> None:
        Reader.__init__(self, stream)
        Scanner.__init__(self)
        Parser.__init__(self)


def _events() -> Any:
    """Return the parser in C, which is ten times as fast, if PyYAML was built with it."""
    return import_module("yaml.cyaml").CParser if yaml.__with_libyaml__ else _PythonEvents


# The nodes are composed in Python, where they can be counted.
_Events: Any = _events()


class BoundedLoader(Composer, _Events, SafeConstructor, Resolver):
    """Reads the types of YAML that need no code; at most 100,000 values and keys, nested at most 50 deep.

    Raises:
        ValueError: when there are more.
    """

    def __init__(self, stream: str) -> None:
        """Take a text."""
        _Events.__init__(self, stream)
        Composer.__init__(self)
        SafeConstructor.__init__(self)
        Resolver.__init__(self)
        self._nodes = self._depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Return the next node; it and its parts are counted."""
        self._nodes += 1
        if self._nodes > MOST_NODES:
            message = f"it has more than {MOST_NODES} values and keys"
            raise ValueError(message)
        self._depth += 1
        if self._depth > DEEPEST:
            raise ValueError("it is nested too deeply")
        try:
            return super().compose_node(parent, index)
        finally:
            self._depth -= 1
