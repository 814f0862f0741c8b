"""Values that usually mean "missing" in columns of numbers and text."""

WORDS_FOR_NOTHING = frozenset(
    {"", "na", "n/a", "nan", "null", "none", "nil", "?", "-", "--", ".", "missing", "unknown"}
)
WORDS_FOR_PENDING = WORDS_FOR_NOTHING | {"pending", "open", "tbd", "undecided", "waiting", "awaiting", "in progress"}
"""Words of labels that are not known yet."""

SENTINELS = (-9999.0, -999.0, -99.0, 9999.0, 99999.0, 999999.0, -99999.0)
