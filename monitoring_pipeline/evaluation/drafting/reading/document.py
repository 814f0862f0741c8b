"""A file that is read along: its text, and its content as YAML, JSON or Python source."""

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import cast

from monitoring_pipeline.spec.parsing.files import UnreadableFileError, parse_yaml

MOST_SYNTAX = 200_000


@dataclass(frozen=True)
class Document:
    """A file by its name and text."""

    name: str
    text: str

    @cached_property
    def mapping(self) -> Mapping[str, object]:
        """The content of YAML or JSON; empty if it is neither, or no mapping."""
        if self.is_python:
            return {}
        try:
            return as_mapping(parse_yaml(self.text))
        except UnreadableFileError:
            return {}

    @property
    def is_python(self) -> bool:
        """Whether the name is that of Python source."""
        return self.name.endswith(".py")

    @cached_property
    def syntax(self) -> tuple[ast.AST, ...]:
        """The parts of Python source, in their order; none if it is something else."""
        if not self.is_python or len(self.text) > MOST_SYNTAX:
            return ()
        try:
            return tuple(ast.walk(ast.parse(self.text)))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return ()

    def calls(self, *names: str) -> Iterator[tuple[str, Mapping[str, object]]]:
        """Yield the calls of functions of these names in Python source, with the literals that they are given."""
        for node in self.syntax:
            if isinstance(node, ast.Call) and (name := called_name(node.func)) in names:
                yield name, arguments_of(node)


def called_name(function: ast.expr) -> str:
    """Return the last part of the name of a function."""
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def arguments_of(call: ast.Call) -> dict[str, object]:
    """Return the arguments of a call by name; those without a name are ``0``, ``1`` and so on."""
    named = {keyword.arg: literal(keyword.value) for keyword in call.keywords if keyword.arg}
    return {str(place): literal(value) for place, value in enumerate(call.args)} | named


def literal(node: ast.expr) -> object:
    """Return a constant, a list of them, or a name as text; a call becomes its name and arguments."""
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        return [literal(each) for each in node.elts]
    if isinstance(node, ast.Call):
        return {"": called_name(node.func), **arguments_of(node)}
    if isinstance(node, ast.Dict):
        return {str(literal(key)): literal(value) for key, value in zip(node.keys, node.values, strict=True) if key}
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.value if isinstance(node, ast.Constant) else None


def as_mapping(value: object) -> Mapping[str, object]:
    """Return a value as a mapping with keys of text; empty if it is none."""
    return (
        {str(key): each for key, each in cast("dict[object, object]", value).items()} if isinstance(value, dict) else {}
    )


def as_items(value: object) -> Sequence[object]:
    """Return a value as a list; empty if it is none."""
    return cast("list[object]", value) if isinstance(value, list) else ()


def as_texts(value: object) -> tuple[str, ...]:
    """Return a text, or the texts of a list."""
    if isinstance(value, str):
        return (value,)
    return tuple(each for each in as_items(value) if isinstance(each, str))
