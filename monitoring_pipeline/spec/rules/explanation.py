"""Rules about the explanation of changes."""

from typing import Literal

from pydantic import Field

from monitoring_pipeline.spec.parsing.part import SpecPart


class ExplanationRules(SpecPart):
    """What changes of the score and of performance are split with, so that they are explained column by column."""

    model: Literal["registry", "surrogate"] = "registry"
    """The version in MLflow's registry, or a surrogate fitted to the scores.

    A version that is not registered has a surrogate, whose fidelity is measured."""
    pairs: int = Field(default=200, ge=50, le=5_000)
    """Pairs of a row of the chunk and one of the reference that the mean score is split on.

    The model scores each about twice as often as it has features. More pairs give narrower intervals."""
