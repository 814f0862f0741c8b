"""Counts how often estimates without labels hold the realized value while the inputs move away from the reference.

Usage: ``python benchmarks/estimates.py [--chunks N]``. The relation of inputs and label never changes. The reference
has 20 days of 500 rows; every chunk has 500 rows whose inputs are moved by so many standard deviations of the rows.
"""

import argparse
import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import narwhals as nw
import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import special

from monitoring_pipeline.evaluation.estimation.estimation import estimate_performance, learn_estimation
from monitoring_pipeline.evaluation.estimation.of_losses import fit_loss_model
from monitoring_pipeline.evaluation.estimation.unlike import cells_of_profile
from monitoring_pipeline.evaluation.performance.performance import measure_performance
from monitoring_pipeline.evaluation.profiles.bins import Bins, numeric_bins
from monitoring_pipeline.evaluation.profiles.profile import ChunkProfile, profile_chunk
from monitoring_pipeline.records.measurement import Measurement
from monitoring_pipeline.spec.model import ModelSpec

Values = NDArray[np.float64]
FIRST_NOON = dt.datetime(2024, 1, 1, 12, tzinfo=dt.UTC)
DAYS, ROWS = 20, 500
SHIFTS = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0)
METRICS = {
    "binary": ("base_rate", "precision", "auroc", "brier_score"),
    "regression": ("mean_absolute_error", "root_mean_squared_error"),
}
LINE = "{:36} {:>5} {:24} {:>7} {:>14} {:>7}"


@dataclass(frozen=True)
class World:
    """A model and its rows.

    Args:
        name: its name in the table.
        task: of the model.
        outputs: of inputs of shape (rows, 2): the score or prediction, and the true probability or standard deviation.
        moved: by how much each input moves with a shift of 1.
    """

    name: str
    task: str
    outputs: Callable[[Values], tuple[Values, Values]]
    moved: tuple[float, float] = (1.0, 0.0)

    def rows(self, generator: np.random.Generator, rows: int, shift: float, days: int = 1) -> pl.DataFrame:
        """Return canonical rows with labels."""
        inputs = generator.standard_normal((rows, 2)) + shift * np.asarray(self.moved)
        output, truth = self.outputs(inputs)
        if self.task == "binary":
            label = (generator.random(rows) < truth).astype(np.float64)
            columns = {"score": output, "prediction": np.where(output >= 0.5, "1", "0")}
        else:
            label = output + truth * generator.standard_normal(rows)
            columns = {"prediction": output}
        moments = [FIRST_NOON + dt.timedelta(days=number % days) for number in range(rows)]
        return pl.DataFrame(
            {"row_id": [f"{n:08}" for n in range(rows)], "predicted_at": moments, "model_version": ["1"] * rows}
            | {"x": inputs[:, 0], "z": inputs[:, 1]}
            | columns
            | {"label": label, "known_at": moments}
        ).with_columns(pl.col("predicted_at", "known_at").cast(pl.Datetime("us", "UTC")))

    @property
    def spec(self) -> ModelSpec:
        """The spec of the model."""
        outputs = {"prediction": "prediction"} | ({"score": "score"} if self.task == "binary" else {})
        return ModelSpec.model_validate(
            {
                "name": "shifted",
                "owner": "team:benchmarks",
                "timezone": "UTC",
                "task": self.task,
                "start": FIRST_NOON.date(),
                "predictions": {"table": "scores", "id": "id", "time": "at", **outputs},
                "labels": {"table": "labels", "id": "id", "label": "label", "known_at": "known", "delay": "1d"},
                "reference": {"1": {"start": FIRST_NOON.date(), "end": FIRST_NOON.date() + dt.timedelta(days=DAYS)}},
                "features": {"x": "numeric", "z": "numeric"},
            }
        )


def _calibrated(inputs: Values) -> tuple[Values, Values]:
    chance: Values = special.expit(1.5 * inputs[:, 0] - 1)
    return chance, chance


def _too_flat(inputs: Values) -> tuple[Values, Values]:
    return special.expit(0.6 * inputs[:, 0] - 0.8), special.expit(1.5 * inputs[:, 0] - 1)


def _bent(inputs: Values) -> tuple[Values, Values]:
    """Return scores that rise for ever, and chances that fall again beyond 1.5 standard deviations."""
    odds = 1.2 * inputs[:, 0] - 1
    return special.expit(odds), special.expit(odds - 3 * np.maximum(inputs[:, 0] - 1.5, 0))


def _omitted(inputs: Values) -> tuple[Values, Values]:
    return special.expit(inputs[:, 0] - 0.5), special.expit(inputs[:, 0] + inputs[:, 1] - 0.5)


def _even_errors(inputs: Values) -> tuple[Values, Values]:
    return 10 + 3 * inputs[:, 0], np.full(len(inputs), 2.0)


def _uneven_errors(inputs: Values) -> tuple[Values, Values]:
    return 10 + 3 * inputs[:, 0], np.exp(0.7 * inputs[:, 0])


WORLDS = (
    World("calibrated score", "binary", _calibrated),
    World("score too flat", "binary", _too_flat),
    World("relation bent beyond 1.5 sd", "binary", _bent),
    World("an input that the model omits moves", "binary", _omitted, (0.0, 1.0)),
    World("equal errors", "regression", _even_errors),
    World("errors that grow with the input", "regression", _uneven_errors),
    World("errors, another input moves", "regression", _uneven_errors, (0.0, 1.0)),
)


def main() -> None:
    """Print one line a world, shift and metric."""
    parser = argparse.ArgumentParser(description="Count how often estimates hold the realized value.")
    parser.add_argument("--chunks", type=int, default=60, help="chunks of each world and shift (default: 60)")
    given = parser.parse_args()
    print(LINE.format("world", "moved", "metric", "holds %", "not estimated %", "width"))
    for number, world in enumerate(WORLDS):
        generator, spec = np.random.default_rng(number), world.spec
        reference = world.rows(generator, DAYS * ROWS, 0.0, DAYS)
        estimation = learn_estimation(spec, reference)
        loss_model = fit_loss_model(spec, reference) if world.task == "regression" else None
        cells = cells_of_profile(*_scores(reference)) if loss_model is None else None
        estimate = partial(
            estimate_performance, spec, estimation, model_version="1", loss_model=loss_model, cells=cells
        )
        for shift in SHIFTS:
            _measure(world, shift, generator, given.chunks, estimate)


def _scores(reference: pl.DataFrame) -> tuple[dict[str, Bins], ChunkProfile]:
    """Return the bins and the profile of the scores of the reference."""
    bins: dict[str, Bins] = {"score": numeric_bins(reference["score"].to_numpy())}
    return bins, profile_chunk(nw.from_native(reference.lazy()), bins, model_version="1")


def _measure(
    world: World,
    shift: float,
    generator: np.random.Generator,
    chunks: int,
    estimate: Callable[..., Sequence[Measurement]],
) -> None:
    held: dict[str, list[bool | None]] = {name: [] for name in METRICS[world.task]}
    widths: dict[str, list[float]] = {name: [] for name in held}
    for chunk in range(chunks):
        rows = world.rows(generator, ROWS, shift)
        labels = rows.select("row_id", "label", "known_at")
        realized = {
            m.name: m.value for m in measure_performance(world.spec, rows.drop("label"), labels, model_version="1")
        }
        estimates = {m.name: m for m in estimate(rows=rows, chunk=str(chunk))}
        for name, own in held.items():
            m, truth = estimates.get(name), realized[name]
            if m is None or m.value is None or m.lower is None or m.upper is None:
                own.append(None)
            elif truth is not None:
                own.append(m.lower <= truth <= m.upper)
                widths[name].append(m.upper - m.lower)
    for name, own in held.items():
        given = [hold for hold in own if hold is not None]
        holds = f"{100 * np.mean(given):.0f}" if given else ""
        width = f"{np.mean(widths[name]):.3f}" if widths[name] else ""
        missing = f"{100 * (1 - len(given) / len(own)):.0f}"
        print(LINE.format(world.name, f"{shift:g}", name, holds, missing, width), flush=True)


if __name__ == "__main__":
    main()
