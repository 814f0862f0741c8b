"""Our default drift statistic on the calibration samples: the evidence alone, and the rule with the default floor.

Usage: ``python calibration_ours.py BLOCKS``. Prints the shares of windows flagged, by rule and sample, as JSON.
"""

import json
import sys
from collections.abc import Callable

import numpy as np
from calibration_samples import CASES, REFERENCE_ROWS, SHIFTS, WINDOW_ROWS, file_name, samples
from numpy.typing import NDArray

from monitoring_pipeline.evaluation.drift.comparison import Comparison
from monitoring_pipeline.evaluation.drift.statistics_table import DEFAULT_STATISTIC, DRIFT_STATISTICS
from monitoring_pipeline.evaluation.profiles.bins import Bins, CategoricalBins, numeric_bins
from monitoring_pipeline.evaluation.profiles.profile import ColumnProfile
from monitoring_pipeline.spec.rules.drift import DriftRules
from monitoring_pipeline.spec.sources import FeatureKind

Values = NDArray[np.float64]


def frozen(values: Values, categories: int) -> tuple[Bins, Callable[[Values], ColumnProfile]]:
    """Return the bins that this reference freezes, and what profiles rows over them (``profile_chunk``, faster)."""
    if not categories:
        bins = numeric_bins(values)
        edges = np.asarray(bins.edges)
        return bins, lambda rows: _profile(0, 0, 0, *_counts(np.digitize(rows, edges), edges.size + 1), 0)
    known = _counts(values.astype(int), categories)
    order = [category for category in np.argsort([-count for count in known], kind="stable") if known[category]]

    def profile(rows: Values) -> ColumnProfile:
        counts = _counts(rows.astype(int), categories)
        kept = [counts[category] for category in order]
        return _profile(0, *kept, sum(counts) - sum(kept))

    return CategoricalBins(tuple(map(str, order))), profile


def _counts(cells: NDArray[np.int64], size: int) -> list[int]:
    return np.bincount(cells, minlength=size).tolist()


def _profile(*counts: int) -> ColumnProfile:
    return ColumnProfile("x", counts)


def main(blocks: int) -> None:
    """Judge every window by its own reference."""
    flagged: dict[str, dict[str, list[bool]]] = {"evidence": {}, "evidence_1": {}, "rule": {}}
    for case, categories in CASES.items():
        statistic = DRIFT_STATISTICS[DEFAULT_STATISTIC[FeatureKind.CATEGORICAL if categories else FeatureKind.NUMERIC]]
        for block in range(blocks):
            references = [frozen(values, categories) for values in samples(case, REFERENCE_ROWS, 0.0, block).T]
            profiles = [
                profile(values)
                for (_, profile), values in zip(references, samples(case, REFERENCE_ROWS, 0.0, block).T, strict=True)
            ]
            for rows in WINDOW_ROWS:
                for shift in SHIFTS:
                    name = file_name(case, rows, shift).removesuffix(".npy")
                    for (bins, profile), expected, values in zip(
                        references, profiles, samples(case, rows, shift, block).T, strict=True
                    ):
                        comparison = Comparison(bins, expected, profile(values))
                        p_value = statistic.test(comparison).p_value
                        matters = statistic.effect(comparison) >= statistic.floor
                        flagged["evidence"].setdefault(name, []).append(p_value < 0.05)
                        flagged["evidence_1"].setdefault(name, []).append(p_value < DriftRules().alpha)
                        flagged["rule"].setdefault(name, []).append(p_value < DriftRules().alpha and matters)
    print(json.dumps({rule: {name: float(np.mean(own)) for name, own in by.items()} for rule, by in flagged.items()}))


if __name__ == "__main__":
    main(int(sys.argv[1]))
