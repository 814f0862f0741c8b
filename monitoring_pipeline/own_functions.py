"""Loads the users' own functions, and calls their measures; whatever a function does, the night goes on."""

import importlib
import threading
from collections.abc import Callable
from typing import Any

import polars as pl

from monitoring_pipeline.evaluation.measures.answers import Numbers, numbers_of
from monitoring_pipeline.evaluation.privacy.secrets import without_secrets
from monitoring_pipeline.spec.rules.measures import Measure

LONGEST_ERROR = 200


class OwnFunctionError(RuntimeError):
    """A function of the user cannot be found; the message states why."""


def load_function(path: str) -> Callable[..., Any]:
    """Return the function that ``module:function`` names.

    Raises:
        OwnFunctionError: when there is no such module or function.
    """
    module_name, _, function_name = path.partition(":")
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


def call_measure(measure: Measure, rows: pl.DataFrame) -> Numbers | str:
    """Return the numbers of a measure on some rows, or the reason why there are none.

    A function that does not answer in time keeps its thread until it ends, or until the process does.
    """
    answers: list[Numbers | str] = []

    def call() -> None:
        try:
            answers.append(numbers_of(load_function(measure.function)(rows)))
        except OwnFunctionError as error:
            answers.append(_shown(str(error)))
        except BaseException as error:  # noqa: BLE001 - a function of the user may raise anything
            answers.append(f"it failed: {_shown(f'{type(error).__name__}: {error}')}")

    thread = threading.Thread(target=call, name=measure.function, daemon=True)
    thread.start()
    thread.join(measure.seconds)
    answer = answers[0] if answers else f"it did not answer within {measure.seconds:g} s"
    return f"{measure.function} could not measure: {answer}" if isinstance(answer, str) else answer


def _shown(text: str) -> str:
    return without_secrets(text)[:LONGEST_ERROR]
