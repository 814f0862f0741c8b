"""How much each feature matters to the output of a model, and whether the order of importance has changed."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from monitoring_pipeline.evaluation.explanation.by_columns import Attributions
from monitoring_pipeline.evaluation.explanation.share import SUBJECT
from monitoring_pipeline.records.measurement import Kind, Measurement, Severity

IMPORTANCE, ORDER = "feature_importance", "importance_order"
LEAST_NDCG = 0.9
BY = ", by "


def measure_importance(
    reference: Attributions, current: Attributions, *, model_version: str, words: str
) -> Iterator[Measurement]:
    """Yield the importance of every feature beside that in the reference, and the likeness of their orders.

    Importance is the mean size of a feature's part in the output. The orders are compared by the normalised discounted
    cumulative gain, 1 if they are equal (Nigenda et al. 2022, arXiv:2111.13657).

    Args:
        reference: the parts of rows of the reference.
        current: the parts of rows of the chunk.
        model_version: the version.
        words: what scored the rows.
    """
    before, now = reference.importance, current.importance
    pairs = current.contributions.shape[0]
    blank = Measurement(
        kind=Kind.PERFORMANCE,
        subject=SUBJECT,
        name=IMPORTANCE,
        model_version=model_version,
        severity=Severity.INFO,
        value=0.0,
        rows=pairs,
        definition=f"mean size of the part of a feature in the output of a row{BY}{words}",
    )
    for feature, size in now.items():
        yield replace(blank, of=feature, value=size, reference_value=before[feature])
    likeness = ndcg(before, now)
    order = replace(
        blank,
        name=ORDER,
        value=likeness,
        threshold_lower=LEAST_NDCG,
        definition="likeness of the order of the features by importance to that in the reference: 1 if equal",
    )
    yield order if likeness >= LEAST_NDCG else order.breached(_reason(before, now, likeness))


@dataclass(frozen=True)
class Importance:
    """The share of each feature in the importance of all features on a chunk.

    Args:
        shares: by feature; empty if it was not measured.
        words: what it was measured with: a registered version, or a surrogate with its fidelity.
    """

    shares: Mapping[str, float] = field(default_factory=dict[str, float])
    words: str = ""

    def weight(self, feature: str) -> float:
        """Return by how much the drift of a column counts where columns are ranked: by 1 if nothing is known of any."""
        return self.shares.get(feature, 0.0) if self.shares else 1.0


def stored_importance(measurements: Iterable[Measurement], model_version: str | None = None) -> Importance:
    """Return the importance of features from the measurements of a chunk.

    The larger one of that in the reference and on the chunk counts, so that a column which broke and no longer affects
    the outputs keeps its importance.

    Args:
        measurements: the measurements of a chunk, or its attribution.
        model_version: the version; None for the first one that has it.
    """
    found = [m for m in measurements if m.name == IMPORTANCE and m.value is not None]
    version = found[0].model_version if found and model_version is None else model_version
    own = [m for m in found if m.model_version == version]
    sizes = {m.of: max(m.value or 0.0, m.reference_value or 0.0) for m in own}
    total = math.fsum(sizes.values())
    if not total:
        return Importance()
    return Importance({name: size / total for name, size in sizes.items()}, (own[0].definition or "").partition(BY)[2])


def ndcg(before: Mapping[str, float], now: Mapping[str, float]) -> float:
    """Return the normalised discounted cumulative gain of an order of features, 0 to 1.

    Args:
        before: importance by feature in the reference, which is the gain of a feature.
        now: importance by feature; it gives the order only.
    """
    best = _gain(before, before)
    return _gain(before, now) / best if best > 0.0 else 1.0


def _gain(gains: Mapping[str, float], order: Mapping[str, float]) -> float:
    ranked = sorted(order, key=lambda name: (-order[name], name))
    return math.fsum(gains[name] / math.log2(place + 2) for place, name in enumerate(ranked))


def _reason(before: Mapping[str, float], now: Mapping[str, float], likeness: float) -> str:
    first_before, first_now = (min(side, key=lambda name: (-side[name], name)) for side in (before, now))
    return (
        f"the order of the features by importance is {likeness:.2f} like that of the reference, at least "
        f"{LEAST_NDCG:g} is usual; first is {first_now}, before {first_before}"
    )
