"""The grounds of each kind of decision, as the audit keeps them.

A field has a default where a row of the audit may lack it; the default means "not recorded".
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class TrialStage(StrEnum):
    """When a trial takes place: before its newcomer is promoted, or after."""

    SHADOW = "shadow"
    PROBATION = "probation"


@dataclass(frozen=True, kw_only=True)
class NoEvidence:
    """No evidence beyond the reason of the decision."""


NO_EVIDENCE = NoEvidence()


@dataclass(frozen=True, kw_only=True)
class MuteEvidence:
    """Until when an incident is muted, to the minute; None when it is unmuted. It is stored in the answer's text."""

    until: dt.datetime | None = None


@dataclass(frozen=True, kw_only=True)
class RetrainingEvidence:
    """The chunks that the answer whether to retrain rests on.

    Args:
        chunk: the newest judged chunk.
        serving: the version that served.
        labelled_breached: chunks whose performance was breached by labels.
        labelled_measured: number of chunks whose performance was measured by labels.
        estimated_breached: the same, by the estimate while the inputs have drifted where labels were missing.
        estimated_measured: number of chunks measured by either.
        cool_down_until: first day after the cool-down.
    """

    chunk: str | None = None
    serving: str = ""
    labelled_breached: tuple[str, ...] = ()
    labelled_measured: int = 0
    estimated_breached: tuple[str, ...] = ()
    estimated_measured: int = 0
    cool_down_until: dt.date | None = None


@dataclass(frozen=True, kw_only=True)
class ExternalTrainingEvidence:
    """The request for training that was sent elsewhere.

    Args:
        model: the model.
        decision_key: key of the decision to retrain.
        training_start: first day of the rows to train on.
        training_end: the day after the last.
        held_out_end: the day after the last of the rows that the gate compares on.
        tracking_uri: where the challenger is to be registered.
        register_as: name of the registered model.
        alias: alias that the challenger is to have.
        tags: tags that the challenger is to have.
    """

    model: str = ""
    decision_key: str = ""
    training_start: dt.date | None = None
    training_end: dt.date | None = None
    held_out_end: dt.date | None = None
    tracking_uri: str = field(default="", repr=False)
    register_as: str = ""
    alias: str = ""
    tags: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, kw_only=True)
class FailureEvidence:
    """The run that failed, and the class of its error."""

    run_id: str = ""
    error: str = ""


@dataclass(frozen=True, kw_only=True)
class GateCheck:
    """One thing that a challenger had to show.

    Args:
        name: of the loss, metric, segment or gap, as its text form.
        passed: whether it did; ``None`` where it could not be measured.
        champion: the champion's value.
        challenger: the challenger's.
        difference: by how much the challenger is worse, negative where it is better.
        lower: lower bound of the difference.
        upper: its upper bound.
        allowed: largest difference that is allowed; for the loss the one that the upper bound must be below.
        reason: in words, with the numbers.
    """

    name: str
    passed: bool | None
    champion: float | None
    challenger: float | None
    difference: float | None
    lower: float | None
    upper: float | None
    allowed: float
    reason: str


@dataclass(frozen=True, kw_only=True)
class GateEvidence:
    """The comparison that the gate's answer rests on.

    Args:
        champion: the version that the challenger was compared with; None if it was not recorded.
        held_out_start: first day of the rows that neither was trained on; None if nothing was compared.
        held_out_end: the day after the last.
        rows: number of rows that both have scored.
        checks: all things that the challenger had to show.
    """

    champion: str | None = None
    held_out_start: dt.date | None = None
    held_out_end: dt.date | None = None
    rows: int = 0
    checks: tuple[GateCheck, ...] = ()


@dataclass(frozen=True, kw_only=True)
class PromotionEvidence:
    """The version that a promotion replaced, and the days of the new champion's reference; None if not recorded."""

    incumbent: str | None = None
    window_start: dt.date | None = None
    window_end: dt.date | None = None


@dataclass(frozen=True, kw_only=True)
class ShadowEvidence:
    """The version beside which a shadow runs; None if it was not recorded."""

    incumbent: str | None = None


@dataclass(frozen=True, kw_only=True)
class RollbackEvidence:
    """The version that was taken out of service; None if it was not recorded."""

    newcomer: str | None = None


@dataclass(frozen=True, kw_only=True)
class TrialEvidence:
    """The trial that an answer is about; None if it was not recorded."""

    stage: TrialStage | None = None
    newcomer: str | None = None
    incumbent: str | None = None


Evidence = (
    NoEvidence
    | MuteEvidence
    | RetrainingEvidence
    | ExternalTrainingEvidence
    | FailureEvidence
    | GateEvidence
    | PromotionEvidence
    | ShadowEvidence
    | RollbackEvidence
    | TrialEvidence
)
