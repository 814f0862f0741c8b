"""Loads the users' own functions, and calls their measures; whatever a function does, the night goes on."""

import importlib
import re
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from typing import Any

import polars as pl

from monitoring_pipeline.evaluation.measures.answers import Numbers, numbers_of
from monitoring_pipeline.evaluation.privacy.secrets import without_secrets
from monitoring_pipeline.spec.rules.measures import Measure

LONGEST_ERROR = 200
MOST_UNANSWERED = 3
"""Calls of a function that may be unanswered at the same time in a process."""
_UNANSWERED: dict[str, list[threading.Thread]] = {}
VARIABLE = "MONITORING_PIPELINE_FUNCTION_MODULES"
PACKAGE = "monitoring-pipeline"
OF_THE_DEMO = "monitoring_pipeline.demo.retraining"
_NAME = re.compile(r"[A-Za-z0-9._-]+")


class OwnFunctionError(RuntimeError):
    """A function of the user cannot be found; the message states why."""


@dataclass(frozen=True)
class OwnModules:
    """The modules whose functions specs may name.

    Args:
        named: modules and packages, with all modules below them. Without them every module may be named that belongs
            neither to Python nor to this package and the packages that it needs.
    """

    named: tuple[str, ...] | None = None

    def refusal(self, module: str) -> str | None:
        """Return the reason why no function of a module may be called; None if it may."""
        if module == OF_THE_DEMO:
            return None
        if self.named is not None:
            if any(module == name or module.startswith(f"{name}.") for name in self.named):
                return None
            return f"module {module} is not among {VARIABLE}: {', '.join(self.named) or 'none'}"
        top = module.partition(".")[0]
        if top in sys.stdlib_module_names:
            return f"module {module} belongs to Python; {_REMEDY}"
        if top in _modules_of_this_package():
            return f"module {module} belongs to {PACKAGE} or a package that it needs; {_REMEDY}"
        return None


ANY_OWN = OwnModules()
_REMEDY = f"name a module of your own, or allow this one by {VARIABLE}"


@cache
def _modules_of_this_package() -> frozenset[str]:
    """Return the names of the modules of this package, and of all packages that it needs without extras."""
    needed = set(_needed(PACKAGE))
    return frozenset(
        name for name, owners in metadata.packages_distributions().items() if needed & {_normal(it) for it in owners}
    ) | {"monitoring_pipeline"}


def _needed(package: str) -> Iterator[str]:
    seen, waiting = set[str](), [package]
    while waiting:
        name = _normal(waiting.pop())
        if name in seen:
            continue
        seen.add(name)
        yield name
        try:
            requirements = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue
        waiting += [found[0] for it in requirements if "extra ==" not in it and (found := _NAME.match(it))]


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def load_function(path: str, modules: OwnModules = ANY_OWN) -> Callable[..., Any]:
    """Return the function that ``module:function`` names. A module that may not be named is not imported.

    Raises:
        OwnFunctionError: when there is no such module or function, or specs may not name it.
    """
    module_name, _, function_name = path.partition(":")
    if refusal := modules.refusal(module_name):
        raise OwnFunctionError(refusal)
    try:
        module = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:
        message = f"module {module_name} cannot be imported: {type(error).__name__}: {error}"
        raise OwnFunctionError(message) from error
    function = getattr(module, function_name, None)
    if not callable(function):
        functions = sorted(
            name
            for name, value in vars(module).items()
            if callable(value) and getattr(value, "__module__", None) == module_name and not name.startswith("_")
        )
        message = f"module {module_name} has no function {function_name}; it has {', '.join(functions) or 'none'}"
        raise OwnFunctionError(message)
    return function


def call_measure(measure: Measure, rows: pl.DataFrame, modules: OwnModules = ANY_OWN) -> Numbers | str:
    """Return the numbers of a measure on some rows, or the reason why there are none.

    A function that does not answer in time keeps its thread until it ends, or until the process does. It is not called
    while ``MOST_UNANSWERED`` calls of it are unanswered, so that a long backfill does not wait for it on every chunk.
    """
    unanswered = _UNANSWERED[measure.function] = [t for t in _UNANSWERED.get(measure.function, ()) if t.is_alive()]
    if len(unanswered) >= MOST_UNANSWERED:
        return f"{measure.function} could not measure: {len(unanswered)} earlier calls have not answered yet"
    answers: list[Numbers | str] = []

    def call() -> None:
        try:
            answers.append(numbers_of(load_function(measure.function, modules)(rows)))
        except OwnFunctionError as error:
            answers.append(_shown(str(error)))
        except BaseException as error:  # noqa: BLE001 - a function of the user may raise anything
            answers.append(f"it failed: {_shown(f'{type(error).__name__}: {error}')}")

    thread = threading.Thread(target=call, name=measure.function, daemon=True)
    thread.start()
    thread.join(measure.seconds)
    if not answers:
        unanswered.append(thread)
    answer = answers[0] if answers else f"it did not answer within {measure.seconds:g} s"
    return f"{measure.function} could not measure: {answer}" if isinstance(answer, str) else answer


def _shown(text: str) -> str:
    return without_secrets(text)[:LONGEST_ERROR]
