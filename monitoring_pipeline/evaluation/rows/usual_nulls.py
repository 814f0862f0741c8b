"""Values that usually mean "missing" in columns of numbers and text."""

WORDS_FOR_NOTHING = frozenset(
    {"", "na", "n/a", "nan", "null", "none", "nil", "?", "-", "--", ".", "missing", "unknown"}
)
SENTINELS = (-9999.0, -999.0, -99.0, 9999.0, 99999.0, 999999.0, -99999.0)


def is_usual_null(text: str) -> bool:
    """Return whether a text is a usual word or number for a missing value."""
    return text.strip().lower() in WORDS_FOR_NOTHING or text.strip() in _SENTINEL_TEXTS


_SENTINEL_TEXTS = frozenset(f"{number:g}" for number in SENTINELS)
