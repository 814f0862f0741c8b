"""Incidents of two histories: gained, lost and kept; the fields that a review refuses; suggested floors."""

import datetime as dt
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring_pipeline.evaluation.incidents.fold import ChunkMeasurements, fold_incidents
from monitoring_pipeline.evaluation.review.changed_fields import (
    NotOnlyRulesError,
    check_only_rules,
    never_measured,
    not_replayed,
)
from monitoring_pipeline.evaluation.review.differences import Fate, Reviewed, compare_incidents, real_unmatched
from monitoring_pipeline.evaluation.review.suggestion import suggest_floors
from monitoring_pipeline.records.incident import Handling, Outcome, StoredIncident
from monitoring_pipeline.records.measurement import Kind, Measurement, Severity, Status
from monitoring_pipeline.reports.terminal.review import closing_sentence, review_notes
from monitoring_pipeline_tests.spec.cases import binary_spec

SPEC = binary_spec()
AUROC = Measurement(kind=Kind.PERFORMANCE, subject="model", name="auroc", model_version="1", value=0.58, rows=800)
NULLS = Measurement(kind=Kind.QUALITY, subject="age", name="null_share", model_version="1", value=1.0, rows=800)
AGE = replace(NULLS, kind=Kind.DRIFT, name="jensen_shannon", threshold_upper=0.1)
DAYS = st.text("oc", min_size=12, max_size=12)


def _day(index):
    return (dt.date(2024, 3, 1) + dt.timedelta(days=index)).isoformat()


def _fold(auroc, nulls="oooooooooooo"):
    """Fold a history: one letter a day for each signal, c for a critical breach, o for none."""
    days = zip(auroc, nulls, strict=True)
    chunks = [ChunkMeasurements(chunk=_day(i), measurements=_measured(*letters)) for i, letters in enumerate(days)]
    return fold_incidents(SPEC, chunks)


def _measured(auroc, nulls):
    return tuple(
        replace(m, severity=Severity.CRITICAL, status=Status.BREACHED if letter == "c" else Status.OK)
        for m, letter in ((AUROC, auroc), (NULLS, nulls))
    )


def _stored(history, outcome=None, name="aaaa1111"):
    return StoredIncident(incident_id=name, incident=history.incident, handling=Handling(outcome=outcome))


def _reviewed(before, after, stored=()):
    return Reviewed("churn", (_day(0), _day(11)), compare_incidents(before, after, stored))


@given(DAYS, DAYS)
def test_the_same_history_keeps_every_incident(auroc, nulls):
    history = _fold(auroc, nulls)
    reviewed = _reviewed(history, history)
    assert [entry.fate for entry in reviewed.incidents] == [Fate.KEPT] * len(history)
    assert all(entry.pages[0] == entry.pages[1] for entry in reviewed.incidents)
    assert closing_sentence(reviewed).startswith("as many incidents, as many pages")


@given(DAYS, DAYS, DAYS, DAYS)
def test_lost_and_kept_are_the_incidents_before_and_no_incident_after_is_left_out(auroc, nulls, later, later_nulls):
    before, after = _fold(auroc, nulls), _fold(later, later_nulls)
    reviewed = _reviewed(before, after)
    assert len(reviewed.of(Fate.LOST)) + len(reviewed.of(Fate.KEPT)) == len(before)
    shown = [history.incident for entry in reviewed.incidents for history in entry.after]
    assert sorted(map(repr, shown)) == sorted(repr(history.incident) for history in after)


@given(DAYS)
def test_an_empty_history_loses_all(auroc):
    before = _fold(auroc)
    assert len(_reviewed(before, ()).of(Fate.LOST)) == len(before)
    assert len(_reviewed((), before).of(Fate.GAINED)) == len(before)


def test_the_sentence_names_a_real_incident_that_is_lost():
    before = _fold("occcoooooooo", "oooooooocccc")
    assert [str(h.incident.cause) for h in before] == ["performance", "column:age"]
    after = _fold("oooooooooooo", "oooooooocccc")
    noise = _reviewed(before, after, [_stored(before[0], Outcome.NOISE), _stored(before[1], Outcome.REAL, "bbbb2222")])
    assert closing_sentence(noise) == "1 incident fewer, 1 page fewer, the real one is kept"
    real = _reviewed(before, after, [_stored(before[0], Outcome.REAL)])
    assert closing_sentence(real).startswith("1 incident fewer, 1 page fewer; 1 real incident lost: aaaa1111 (")
    assert [entry.stored.incident_id for entry in real.real_lost] == ["aaaa1111"]


def test_a_real_incident_without_a_page_is_named():
    before = _fold("occcoooooooo")
    quiet = tuple(replace(h, events=tuple(replace(e, severity=Severity.WARNING) for e in h.events)) for h in before)
    reviewed = _reviewed(before, quiet, [_stored(before[0], Outcome.REAL)])
    assert next(review_notes(reviewed)).startswith("1 real incident would no longer page: aaaa1111")


def test_a_real_incident_that_the_spec_in_use_does_not_open_is_named():
    (old,) = _fold("occcoooooooo")
    stored = [_stored(old, Outcome.REAL)]
    assert real_unmatched(compare_incidents((), (), stored), stored) == tuple(stored)
    assert real_unmatched(compare_incidents((old,), (), stored), stored) == ()


def test_incidents_of_one_cause_at_other_times_are_not_the_same():
    reviewed = _reviewed(_fold("cccooooooooo"), _fold("ooooooooocccc"[:12]))
    assert sorted(entry.fate for entry in reviewed.incidents) == [Fate.GAINED, Fate.LOST]


@pytest.mark.parametrize(("changes", "field"), [
    ({"features": {"age": "categorical", "plan": "categorical"}}, "features"),
    ({"start": "2024-03-02"}, "start"),
    ({"predictions__table": "other"}, "predictions"),
    ({"reference": {"1": {"start": "2024-01-02", "end": "2024-03-01"}}}, "reference"),
    ({"drift__against": "previous_day"}, "drift.against"),
    ({"performance__quantile": 0.9}, "performance.quantile"),
])  # fmt: skip
def test_a_spec_that_changes_what_is_measured_is_refused(changes, field):
    with pytest.raises(NotOnlyRulesError, match=f"churn: the proposed spec changes {field}\\."):
        check_only_rules(SPEC, binary_spec(**changes))


def test_changed_rules_are_accepted_and_what_is_not_replayed_is_named():
    proposed = binary_spec(
        drift={"alpha": 0.1, "ignore": ["age"]}, quality={"minimum_rows": 7}, windows=[14],
        incidents={"open": {"chunks": 2, "of": 3}}, owner="team:risk", performance={"minimum_maturity": 0.9},
        measures={"own": {"function": "a:b", "threshold": {"upper": 1}}},
    )  # fmt: skip
    check_only_rules(SPEC, proposed)
    assert not_replayed(SPEC, proposed) == ("performance.minimum_maturity", "quality", "measures")


def test_what_the_history_has_no_number_of_is_named():
    chunks = [ChunkMeasurements(chunk=_day(0), measurements=(AUROC, AGE))]
    thresholds = {"auroc": {"lower": 0.5}, "f1": {"lower": 0.5}}
    proposed = binary_spec(drift={"numeric": "psi"}, windows=[7, 14], performance__thresholds=thresholds)
    found = never_measured(SPEC, proposed, chunks)
    assert found == ("psi of age, score", "the metric f1", "windows of 14 days")
    assert never_measured(SPEC, SPEC, chunks) == ()


def _drift_of(values, name="jensen_shannon"):
    return [replace(AGE, name=name, value=v, status=Status.BREACHED if v >= 0.1 else Status.OK) for v in values]


def test_a_suggested_floor_leaves_the_allowed_share_of_days():
    effects = [0.05] * 16 + [0.2, 0.3, 0.4, 0.25]
    spec = binary_spec(drift__numeric="jensen_shannon", drift__false_alarm_share=0.1)
    chunks = [ChunkMeasurements(chunk=_day(i), measurements=(m,)) for i, m in enumerate(_drift_of(effects))]
    # Two of twenty days are allowed: .4 and .3.
    assert suggest_floors(spec, chunks, ()) == {"age.jensen_shannon": 0.251}
    assert suggest_floors(binary_spec(drift__numeric="jensen_shannon", drift__false_alarm_share=0.2), chunks, ()) == {}


def test_days_of_real_incidents_are_no_false_alarms():
    effects = [0.05] * 16 + [0.2, 0.3, 0.4, 0.25]
    spec = binary_spec(drift__numeric="jensen_shannon", drift__false_alarm_share=0.1)
    chunks = [ChunkMeasurements(chunk=_day(i), measurements=(m,)) for i, m in enumerate(_drift_of(effects))]
    (history,) = _fold("occcoooooooo")
    real = replace(history.incident, since=_day(16), opened=_day(16), last_breached=_day(19))
    assert suggest_floors(spec, chunks, [_stored(replace(history, incident=real), Outcome.REAL)]) == {}


def test_no_floor_is_suggested_that_nothing_can_reach():
    spec = binary_spec(drift__numeric="jensen_shannon")
    chunks = [ChunkMeasurements(chunk=_day(i), measurements=(m,)) for i, m in enumerate(_drift_of([1.0] * 20))]
    assert suggest_floors(spec, chunks, ()) == {"age.jensen_shannon": None}


def test_a_calm_statistic_of_a_suggested_column_keeps_its_floor():
    spec = binary_spec(drift__false_alarm_share=0.1)
    loud, calm = _drift_of([0.05] * 16 + [0.2, 0.3, 0.4, 0.25]), _drift_of([0.05] * 20, "wasserstein")
    pairs = enumerate(zip(loud, calm, strict=True))
    chunks = [ChunkMeasurements(chunk=_day(i), measurements=pair) for i, pair in pairs]
    # A spec that names one floor of a column lets no other statistic of it decide, so both are named.
    assert suggest_floors(spec, chunks, ()) == {"age.jensen_shannon": 0.251, "age.wasserstein": 0.1}


def test_effects_that_are_not_significant_raise_no_floor():
    spec = binary_spec(drift__numeric="jensen_shannon", drift__false_alarm_share=0.1)
    days = [*_drift_of([0.05] * 16 + [0.2, 0.3, 0.25, 0.4]), replace(AGE, value=0.9)]
    chunks = [ChunkMeasurements(chunk=_day(i), measurements=(m,)) for i, m in enumerate(days)]
    assert suggest_floors(spec, chunks, ()) == {"age.jensen_shannon": 0.251}


def test_fields_that_a_dump_leaves_out_while_they_have_their_default_are_compared_too():
    elsewhere = binary_spec(warehouse="lake")
    for pair in ((SPEC, elsewhere), (elsewhere, SPEC)):
        with pytest.raises(NotOnlyRulesError, match="changes warehouse"):
            check_only_rules(*pair)
    for changes in ({"budget": {"warnings_per_month": 2}}, {"windows": [14]}, {"drift__severity": "info"}):
        check_only_rules(SPEC, binary_spec(**changes))
        check_only_rules(binary_spec(**changes), SPEC)
