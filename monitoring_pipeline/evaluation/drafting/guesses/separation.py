"""How two columns of a table belong together: a score and the two classes that follow it, an output and its copy."""

import polars as pl

COPY = 0.9995
FEWEST = 30


def separation(scores: pl.Series, classes: pl.Series) -> float:
    """Return the share of pairs of rows of two classes that scores order alike, at least 0.5; 0 if it is unknown.

    Args:
        scores: numbers.
        classes: two values.
    """
    rows = pl.DataFrame({"score": scores, "each": classes.cast(pl.String, strict=False)}).drop_nulls()
    counts = rows.group_by("each").len().sort("each")["len"].to_list()
    if len(counts) != 2 or rows.height < FEWEST:  # noqa: PLR2004 - two classes
        return 0.0
    ranks = rows.with_columns(pl.col("score").rank()).filter(pl.col("each") == pl.col("each").min())["score"].sum()
    one, other = counts
    share = (float(ranks) - one * (one + 1) / 2) / (one * other)
    return max(share, 1 - share)


def is_copy(values: pl.Series, output: pl.Series) -> bool:
    """Return whether numbers are an output in another unit, such as a probability in per cent."""
    both = pl.DataFrame({"value": values, "output": output}).drop_nulls()
    correlation = both.select(pl.corr("value", "output")).item() if both.height >= FEWEST else None
    return isinstance(correlation, float) and correlation >= COPY
