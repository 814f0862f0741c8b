"""Errors of validation in the words of a person who writes YAML."""

from collections.abc import Mapping
from types import MappingProxyType

from pydantic import ValidationError, ValidatorFunctionWrapHandler, WrapValidator
from pydantic_core import ErrorDetails, PydanticCustomError

NAME_PATTERN = r"^[a-z][a-z0-9_]*$"
SCHEDULE_PATTERN = r"^(([01]\d|2[0-3]):[0-5]\d|[0-9]+\s*[mh])$"
FUNCTION_PATTERN = r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$"
CHANNEL_PATTERN = r"^[a-z][a-z0-9_-]*$"
SLACK_PATTERN = r"^(#[^\s#]{1,80}|[CGD][A-Z0-9]{5,})$"
LINK_PATTERN = r"^https?://[^\s]+$"
LABEL_PATTERN = r"^[^\s]{1,255}$"
PROJECT_PATTERN = r"^[A-Z][A-Z0-9_]+$"
ASSET_PATTERN = r"^[^/\s]+(/[^/\s]+)*$"
PATTERNS: Mapping[str, str] = MappingProxyType(
    {
        NAME_PATTERN: "write lower-case letters, digits and underscores, with a letter first, such as churn_2",
        SCHEDULE_PATTERN: "write a time of day from 00:00 to 23:59, such as 06:00, or a delay in m or h, such as 15m",
        FUNCTION_PATTERN: "write a module and a function, such as package.module:train",
        CHANNEL_PATTERN: "write lower-case letters, digits, _ and -, with a letter first, such as ml-team",
        SLACK_PATTERN: "write the name of a channel with #, such as '#ml-team', or its id, such as C0123456",
        LINK_PATTERN: "write an address that begins with https:// or http://",
        LABEL_PATTERN: "write a label without spaces",
        PROJECT_PATTERN: "write the key of a project, such as OPS",
        ASSET_PATTERN: "write the key of an asset with slashes between its parts, such as marts/scores",
    }
)
"""What a text must look like, by its pattern."""
_WRONG_KIND = "wrong_kind"
_KINDS: Mapping[str, str] = MappingProxyType(
    {
        "dict_type": "keys and values are needed (name: value)",
        "tuple_type": "a list is needed, such as [a, b]",
        "string_type": "a text is needed",
        "bool_type": "write true or false",
        "bool_parsing": "write true or false",
        "int_type": "write a whole number",
        "int_parsing": "write a whole number",
        "int_from_float": "write a whole number",
        "float_type": "write a number",
        "float_parsing": "write a number",
        "date_type": "write a day, such as 2024-03-01",
        "date_parsing": "write a day, such as 2024-03-01",
        "date_from_datetime_parsing": "write a day, such as 2024-03-01",
        "date_from_datetime_inexact": "write a day, such as 2024-03-01",
        "too_short": "at least 1 item is needed",
    }
)
"""What a value must be, by the type of the error."""
PARTS = frozenset({"model_type", "model_attributes_type"})
"""Types of errors of a part that is no keys and values."""


def in_one_message(words: str) -> WrapValidator:
    """Return a validator for a value of several types, which has one error instead of one for each type."""

    def read(value: object, validate: ValidatorFunctionWrapHandler) -> object:
        try:
            return validate(value)
        except ValidationError:
            raise PydanticCustomError(_WRONG_KIND, words) from None  # pyright: ignore[reportArgumentType]

    return WrapValidator(read)


def wording(error: ErrorDetails) -> str:
    """Return the values that a field allows, as words, from the error about its value."""
    if error["type"] == "string_pattern_mismatch":
        return PATTERNS.get(error.get("ctx", {}).get("pattern", ""), error["msg"])
    return _KINDS.get(error["type"], error["msg"].removeprefix("Value error, "))


def concerns_the_value(error: ErrorDetails) -> bool:
    """Return whether an error is about one value, so that the value belongs into the message; else about a part."""
    return error["type"] in {*_KINDS, *PARTS, _WRONG_KIND, "string_pattern_mismatch"}
