"""Learns from predictions with their labels: the positive class, the label delay, inputs that give the label away."""

import datetime as dt
import math
from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from monitoring_pipeline.evaluation.drafting.facts import ColumnFacts, shown
from monitoring_pipeline.evaluation.drafting.hints import Advice
from monitoring_pipeline.evaluation.drafting.value_kinds import ValueKind, as_numbers

POSITIVE_WORDS = (
    "1", "true", "yes", "y", "positive", "pos", "t", "default", "defaulted", "churned", "churn", "fraud", "bad", "late",
    "success", "converted", "clicked", "malignant", "spam", "lost", "failed",
)  # fmt: skip
FEWEST_LABELS = 30
DELAY_QUANTILE = 0.99
LEAKS = 0.999
MOST_HOURS = 48
MARGIN = 0.02
WORSE_BY = 0.25
FOLLOWS = 0.7
"""The correlation with the prediction from which an input may be the label."""
SAME_SIZE = 1.5
"""The largest ratio of the mean magnitudes of a label and its prediction."""


@dataclass(frozen=True)
class Positive:
    """The value of a label that counts as positive, with evidence and questions."""

    value: bool | int | str
    evidence: str
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Delay:
    """The label delay as a spec has it, with evidence."""

    text: str
    evidence: str


def guess_positive(label: ColumnFacts, labelled: pl.DataFrame, advice: Advice) -> Positive:
    """Return the positive value of a label: the declared one, that with higher scores, a usual word, or the rarer one.

    Args:
        label: the column.
        labelled: columns score and label.
        advice: what is declared by the user or in files beside the source.
    """
    values = [value for value, _ in label.values]
    shares = {shown(value): share for value, share in label.values}
    by_text = {shown(value): _as_declared(label, value) for value in values}
    words = ", ".join(f"{share:.1%} `{text}`" for text, share in list(shares.items())[:3])
    evidence = f"{label.distinct:,} values, {words}"
    said, origin = advice.positive
    if said is not None and said in by_text:
        return Positive(by_text[said], f"{evidence}; positive by {origin}")
    by_word = next((text for word in POSITIVE_WORDS for text in by_text if _folded(text) == word), None)
    by_score, means = _higher_score(labelled)
    if by_score in by_text and by_score != by_word and means:
        doubt = (
            f"Which class does the score stand for? `{by_word}` sounds positive, and rows with `{by_score}` have the "
            f"higher scores: {means} (labels.positive)"
        )
        doubts = () if by_word is None else (doubt,)
        return Positive(by_text[by_score], f"{evidence}; its rows have the higher scores, {means}", doubts)
    if by_word is not None:
        return Positive(
            by_text[by_word], f"{evidence}" + (f"; its rows have the higher scores, {means}" if means else "")
        )
    rarest = min(shares, key=lambda text: (shares[text], text)) if shares else "true"
    question = f"Which value of {label.name} is positive? `{rarest}` is the rarer one (labels.positive)"
    return Positive(by_text.get(rarest, True), f"{evidence}; the rarer one", (question,))


def positive_prediction(prediction: ColumnFacts, positive: Positive, scored: pl.DataFrame) -> bool | int | str | None:
    """Return the positive value of a prediction if its values are not those of the label; else None.

    Args:
        prediction: the column.
        positive: the positive value of the label.
        scored: columns score and prediction.
    """
    texts = {_folded(shown(value)): value for value, _ in prediction.values}
    if _folded(shown(positive.value)) in texts or prediction.distinct > 2:  # noqa: PLR2004 - classes of a binary model
        return None
    kept = [name for name in ("score", "prediction") if name in scored.columns]
    by_score, _ = _higher_score(scored.select(kept).rename({"prediction": "label"}, strict=False))
    value = next((each for each, _ in prediction.values if shown(each) == by_score), None)
    if value is None:
        value = next((texts[word] for word in POSITIVE_WORDS if word in texts), None)
    return None if value is None else _as_declared(prediction, value)


def guess_delay(labelled: pl.DataFrame) -> Delay | None:
    """Return the time after which nearly all labels were known; None if too few labels have a time."""
    waited = labelled.select(
        (pl.col("known_at") - pl.col("predicted_at")).dt.total_seconds().alias("seconds")
    )["seconds"].drop_nulls()  # fmt: skip
    if waited.len() < FEWEST_LABELS:
        return None
    text = _as_declared_delay(max(float(waited.quantile(DELAY_QUANTILE) or 0), 0.0))
    half = dt.timedelta(seconds=max(round(float(waited.median() or 0)), 0))  # pyright: ignore[reportArgumentType]
    return Delay(text, f"half of the labels were known after {_words(half)}, 99 % within this time")


def delay_of_gaps(age: dt.timedelta) -> Delay:
    """Return the delay of labels whose time is unknown, from the age of the oldest row that has none yet."""
    text = _as_declared_delay(age.total_seconds())
    return Delay(text, f"the oldest row without a label is {_words(age)} older than the newest row")


def _as_declared_delay(seconds: float) -> str:
    hours = max(1, math.ceil(seconds / 3600))
    return f"{hours}h" if hours <= MOST_HOURS else f"{math.ceil(hours / 24)}d"


def leaking_inputs(labelled: pl.DataFrame, names: Iterable[str]) -> dict[str, str]:
    """Return the inputs that are the label in other words, with the reason.

    Args:
        labelled: the column label, and a column for each name.
        names: the inputs.
    """
    rows = labelled.filter(pl.col("label").is_not_null())
    if rows.height < FEWEST_LABELS or rows["label"].n_unique() <= 1:
        return {}
    label = rows["label"]
    columns = set(rows.columns)
    found = {name: _leak(rows[name], label) for name in names if name in columns}
    return {name: reason for name, reason in found.items() if reason}


def likely_labels(rows: pl.DataFrame, names: Iterable[str]) -> dict[str, float]:
    """Return the numeric inputs that may be the label of a regression, each with its correlation with the prediction.

    Such an input follows the prediction closely, and has about its size.

    Args:
        rows: the column prediction, and a column for each name.
        names: the inputs.
    """
    if "prediction" not in rows.columns:
        return {}
    found: dict[str, float] = {}
    for name in names:
        if name not in rows.columns or not rows[name].dtype.is_numeric():
            continue
        both = pl.DataFrame({"x": as_numbers(rows[name]), "y": as_numbers(rows["prediction"])}).drop_nulls()
        correlation, sizes = both.select(pl.corr("x", "y")).item(), both.select(pl.all().abs().mean()).row(0)
        if both.height >= FEWEST_LABELS and isinstance(correlation, float) and correlation >= FOLLOWS and all(sizes):
            same_size = 1 / SAME_SIZE <= sizes[0] / sizes[1] <= SAME_SIZE
            found |= {name: correlation} if same_size else {}
    return found


def worse_by(labelled: pl.DataFrame) -> float | None:
    """Return a quarter of the mean absolute error, as a round number; None if it cannot be computed."""
    if not {"label", "prediction"} <= set(labelled.columns):
        return None
    error = (as_numbers(labelled["label"]) - as_numbers(labelled["prediction"])).abs().mean()
    if not isinstance(error, float) or not math.isfinite(error) or error <= 0:
        return None
    return float(f"{WORSE_BY * error:.2g}")


def _leak(values: pl.Series, label: pl.Series) -> str | None:
    if values.dtype.is_nested() or values.dtype == pl.Object:
        return None
    numbers, truth = as_numbers(values), as_numbers(label)
    both = pl.DataFrame({"value": numbers, "label": truth}).drop_nulls()
    if both.height >= FEWEST_LABELS and both["label"].n_unique() > 10:  # noqa: PLR2004 - a number rather than a class
        correlation = both.select(pl.corr("value", "label")).item()
        if isinstance(correlation, float) and abs(correlation) >= LEAKS:
            return f"it gives the label away: their correlation is {correlation:.4f}"
        return None
    pairs = pl.DataFrame({"value": values.cast(pl.String, strict=False), "label": label.cast(pl.String, strict=False)})
    counts = pairs.drop_nulls().group_by("value", "label").len()
    total = int(counts["len"].sum())
    distinct = counts["value"].n_unique()
    if total < FEWEST_LABELS or distinct > max(10, label.n_unique() * 2):
        return None
    agreeing = int(counts.group_by("value").agg(pl.col("len").max())["len"].sum())
    return f"it gives the label away in {agreeing / total:.1%} of the rows" if agreeing >= LEAKS * total else None


def _higher_score(labelled: pl.DataFrame) -> tuple[str | None, str]:
    """Return the value whose rows have the higher mean score, and the means in words; nothing if they hardly differ."""
    if not {"score", "label"} <= set(labelled.columns):
        return None, ""
    rows = pl.DataFrame({"score": as_numbers(labelled["score"]), "label": labelled["label"]}).drop_nulls()
    if rows.height < FEWEST_LABELS or rows["label"].n_unique() != 2:  # noqa: PLR2004 - a binary label
        return None, ""
    means = rows.group_by("label").agg(pl.col("score").mean()).sort("score", descending=True).rows()
    if means[0][1] - means[1][1] < MARGIN * max(means[0][1], 1e-9):
        return None, ""
    return shown(means[0][0]), " against ".join(f"{mean:.2f}" for _, mean in means)


def _as_declared(column: ColumnFacts, value: object) -> bool | int | str:
    if column.kind is ValueKind.BOOLEAN:
        return bool(value)
    if not column.is_text and isinstance(value, int | float) and float(value).is_integer():
        return int(value)
    return shown(value)


def _folded(text: str) -> str:
    return text.strip().lower()


def _words(duration: dt.timedelta) -> str:
    hours = duration / dt.timedelta(hours=1)
    return f"{hours:.0f} hours" if hours <= MOST_HOURS else f"{hours / 24:.0f} days"
