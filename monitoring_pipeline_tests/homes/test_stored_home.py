"""Homes made by earlier versions: today's code opens them, prints the same pages, and continues in them."""

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from difflib import unified_diff
from itertools import zip_longest
from pathlib import Path

import dagster as dg
import pytest

from benchmarks.compare_homes import Difference, compare_homes
from monitoring_pipeline.evaluation.performance.thresholds import DEFAULT_GUARDS
from monitoring_pipeline.spec.rules.drift import MultivariateStatistic
from monitoring_pipeline_tests.homes.lived_home import LivedHome, night_of, opened
from monitoring_pipeline_tests.homes.printing import NEXT_MORNING, PRINTED, commands, without_frames
from monitoring_pipeline_tests.homes.stored_home import HERE, unpack
from monitoring_pipeline_tests.homes.story import LIVED, LOANS, MODELS, NEXT, SCHEDULES, ZONES, live_next

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:::mlflow")]
NAME = "ee8dedf"
PAGES, LATER_PAGES = (
    sorted(path.stem for path in (HERE / NAME / folder).glob("*.txt")) for folder in (PRINTED, NEXT_MORNING)
)
STORED_TABLES = (
    "alerts", "chunk_revisions", "decisions", "incident_events", "incidents", "measurements", "model_references",
    "model_versions", "profiles", "snapshots", "verdicts",
)  # fmt: skip
ANSWERED = frozenset({"incidents", "alerts"})
"""Tables whose rows change with time; in the others rows are only added."""


OF_A_RUN = frozenset({"run_id", "measured_at", "known_since", "code_version"})
LAST_NIGHT = re.compile(r" 2024-04-0[78] \d\d:\d\d:\d\d\.\d+(?=\n)")
REASONS = re.compile(
    r"^(20\d\d-\d\d-\d\d .*? (?:ok|warning|critical|unknown|not judged)"
    r"|20\d\d-\d\d .*? (?:(?:ok|warning|critical|unknown) \d+(?:, )?)+?) (?!(?:ok|warning|critical|unknown) \d).*$",
    re.MULTILINE,
)
"""A line of a page of verdicts with its last cell, the reasons, which the older version did not have."""
TITLE = re.compile(r"\A[0-9a-f]{12}: .*?(?=\nmodel )", re.DOTALL)
RUN_TIME = re.compile(r"\b20[2-9][5-9]-\d\d-\d\d \d\d:\d\d:\d\d\.\d+")
"""Times of the machine's clock, which the version before wrote beside those of the home's clock."""


@dataclass(frozen=True)
class Mended:
    """An intended change of printed pages: the text of the older version, and its text today."""

    pages: str
    before: str
    today: str


LIMIT = re.compile(r"; at most [\d.]+% are allowed")
"""The limit of an expectation, which the reason of its failure did not state."""
CHANGED_VALUES = re.compile(r"; (?:null|mean|standard deviation) [^;\"]* (?:→|\\u2192) [^;\"]*")
"""What changed in a column, which the reason of its breach did not state."""
OVER_WINDOWS = re.compile(r"^window model .*\n", re.MULTILINE)
"""Numbers over the last days, which the older version did not have."""
FIRST_BREACH, NEWEST_FINDING = "2024-03-29", "2024-04-02"
"""Days of an incident of joint drift."""
FEATURES_FINDING = (
    "features domain_classifier (a consequence) 1 at most 0.6 2024-04-06 50 1.000 is at least 0.6, and p = 0.0015 is"
    " below 0.01; carried by weight 100%\n"
)
WEIGHT_FINDING = (
    "weight jensen_shannon (a consequence) 1 at most 0.1 2024-04-06 50 1.000 is at least 0.1, and q < 1e-12 is below"
    " 0.01\n"
)
WITHOUT_EFFECT = "; without effect on the model: prediction and mean_absolute_error are within limits"
MENDED = (
    # The count of drifted columns was 0 where none was compared.
    Mended(r".*/show_\w+", " - - 0 - not judged", " - - not measured - not judged"),
    Mended(r".*/show_loan_default", "provisional 0 (+1 ignored)", "provisional not measured (+1 ignored)"),
    Mended(r"printed_later/show_loan_default", "provisional 0 0.548", "provisional not measured 0.548"),
    # All inputs together were counted as columns, under one name for each comparison.
    *(
        Mended(r".*/show_delivery_minutes", before, today)
        for before, today in (
            ("4: features, features, ... 4.050", "2: prediction, distance_km (+together) 4.050"),
            ("4: features, features, ... 5.060", "2: distance_km, prediction (+together) 5.060"),
            ("4: features, features, ... 3.422", "2: distance_km, prediction (+together) 3.422"),
            ("1: features 3.486", "0 (+together) 3.486"),
        )
    ),
    Mended(r".*/show_parcel_outcome", "2: features, weight", "1: weight (+together)"),
    # A day on which little could be measured was unknown although a breach was measured; it is judged so from now on.
    Mended(r"printed_later/show_loan_default", "[0.524, 0.783] unknown", "[0.524, 0.783] warning"),
    Mended(r"printed_later/show_loan_default", "[0.385, 0.702] unknown", "[0.385, 0.702] warning"),
    Mended(r"printed_later/show_loan_default_by_month", "critical 5, unknown 1", "critical 5, warning 1"),
    Mended(r"printed_later/what_is_wrong", "loan_default 2024-04-07 unknown", "loan_default 2024-04-07 warning"),
    # A long reason was folded in a pipe.
    *(
        Mended(
            r".*/what_is_wrong",
            f"{before} 2024-04-06\n{after}\n",
            f"{before} {after} 2024-04-06\n",
        )
        for before, after in (
            ("than in the", "reference, or an input that matters is not among the features"),
            ("than in the reference,", "or an input that matters is not among the features"),
        )
    ),
    # Headings that stand below a row have to be understood alone.
    Mended(
        r".*/show_\w+_by_month",
        "auroc: by score given score bias: by score given score",
        "auroc by score auroc given score bias by score bias given score",
    ),
    # Other incidents were called the reason although no attribution supports that.
    Mended(r".*/incident_\w+", "probably because of ", "at the same time "),
    # Headings are nouns.
    Mended(r".*/incidents(_all)?", "chunks what people say", "chunks title answers"),
    *(
        Mended(r".*/incident_\w+", before, today)
        for before, today in (
            ("at the same time nothing else that is known", "at the same time no other cause"),
            ("\npeople say ", "\nanswers "),
            ("\nwhat value interval", "\nfinding value interval"),
            ("\nwhat happened\n", "\nevents\n"),
            ("written (UTC) told summary", "written (UTC) announced summary"),
        )
    ),
    # The date in a title was that of the newest finding.
    *(
        Mended(rf"printed_later/{page}", f"0.528, since {NEWEST_FINDING}", f"0.528, since {FIRST_BREACH}")
        for page in ("incident_602169941066", "incidents_all")
    ),
    # Drift of inputs is weighed by its effect on the model.
    *(
        Mended(rf"printed_later/{page}", "on 2 of 3 days", f"on 2 of 3 days{WITHOUT_EFFECT}")
        for page in ("incident_602169941066", "incidents_all")
    ),
    Mended(r"printed_later/incident_602169941066", "distance_km 50%\n", f"distance_km 50%{WITHOUT_EFFECT}\n"),
    Mended(r"printed_later/show_delivery_minutes", "[2.716, 4.256] warning", "[2.716, 4.256] ok"),
    Mended(r"printed_later/show_delivery_minutes_by_month", "ok 6, warning 1", "ok 7"),
    # Of findings that began together, the one farthest beyond its limit comes first.
    Mended(
        r"printed_later/incident_caa03e9a3369",
        f"{FEATURES_FINDING}{WEIGHT_FINDING}",
        f"{WEIGHT_FINDING}{FEATURES_FINDING}",
    ),
)
"""Whatever else differs is a fault: no number, status, day or name may change for another reason."""


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivedHome]:
    """The home as it was stored, for commands that only read."""
    with opened(unpack(NAME, tmp_path_factory.mktemp("stored") / "home")) as home:
        yield home


@pytest.fixture(scope="module")
def continued(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivedHome]:
    """The home after one more night of all models, with labels that came late and a delivery."""
    with opened(unpack(NAME, tmp_path_factory.mktemp("continued") / "home")) as home:
        live_next(home)
        yield home


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home as it was stored, which no code has opened."""
    return unpack(NAME, tmp_path_factory.mktemp("untouched") / "home")


@pytest.fixture
def home(tmp_path: Path) -> Iterator[LivedHome]:
    """A home to change, on the morning after its last night."""
    with opened(unpack(NAME, tmp_path / "home")) as home:
        home.now = night_of(LIVED[-1], SCHEDULES[LOANS], ZONES[LOANS])
        yield home


def page_of_the_older_version(name: str) -> str:
    """Return a stored page with the intended changes."""
    text = with_title_in_one_line((HERE / NAME / f"{name}.txt").read_text(encoding="utf-8"))
    for change in MENDED:
        if re.fullmatch(change.pages, name):
            text = text.replace(change.before, change.today)
    return RUN_TIME.sub("now", text)


def page_of_today(home: LivedHome, words: tuple[str, ...]) -> str:
    page = OVER_WINDOWS.sub("", RUN_TIME.sub("now", with_title_in_one_line(without_frames(home.command(*words)))))
    return without_reasons(page) if words[0] == "show" else page


def without_reasons(page: str) -> str:
    """Return a page of verdicts without the column of their reasons."""
    header = page.replace(" verdict reason\n", " verdict\n").replace(
        " verdicts (days) reasons (days)\n", " verdicts (days)\n"
    )
    return REASONS.sub(r"\1", header)


def with_machine_times_of(before: str, page: str) -> str:
    """Return a page with "now" for times of the last night at the ends of lines where the older version has "now".

    The older version stamped some results with the machine's clock. Today every result has the time of the night.
    """
    lines = zip_longest(before.splitlines(keepends=True), page.splitlines(keepends=True), fillvalue="")
    return "".join(LAST_NIGHT.sub(" now", now) if old.endswith(" now\n") else now for old, now in lines)


BOUNDS = re.compile(
    r"(?P<brackets>\[-?[\d.]+, -?[\d.]+\])|(?P<words>\(-?[\d.]+ to -?[\d.]+\))"
    r"|(?P<value>(?<=performance model )(?:[a-z]\S*(?: \S+\]\])? \S+ )?-?[\d.]+) -?[\d.]+ -?[\d.]+"
)
"""An interval of performance: of today, rows of rare classes and heavy tails have wider ones."""


def without_bounds(page: str) -> str:
    """Return a page with a mark in place of the bounds of intervals."""
    return BOUNDS.sub(lambda found: f"{found['value'] or ''} [..]", page)


def changed_lines(before: str, today: str) -> list[str]:
    """Return the lines that only one of two pages has, the bounds of intervals left out."""
    sides = (without_bounds(page).splitlines() for page in (before, today))
    return [line for line in unified_diff(*sides, n=0, lineterm="") if not line.startswith(("---", "+++", "@@"))]


def with_title_in_one_line(page: str) -> str:
    """Return a page without the line breaks in the title of an incident, whose places follow from a table's width."""
    return TITLE.sub(lambda title: title[0].replace("\n", " "), page)


ADDED_COLUMNS = {
    "snapshots": {"state"}, "model_references": {"declaration", "is_current"}, "verdicts": {"measured"},
}  # fmt: skip
"""Columns by table that the older version did not have, and the number of measurements, of which there are more."""


WITHOUT_DEAD_FEATURES = "without weight: all its values are null"
COMPARED_WITH_A_DEAD_FEATURE = "the reference has rows like only 2% of"
"""Reasons of the attribution of a day whose only feature is null: features without values are left out today."""
CARRIED_BY_A_DEAD_FEATURE = "carried by weight 100%"
MEASURED_OR_JUDGED_ANEW = {
    "verdicts": "status = 'unknown' AND breaches > 0",
    "measurements": f"reason LIKE '%{COMPARED_WITH_A_DEAD_FEATURE}%'",
}
"""Conditions by table for rows that a corrected rule changes."""


def rows_of(folder: Path, table: str) -> set[tuple[object, ...]]:
    """Return a table's rows without the columns of a run, and without rows that a corrected rule changes."""
    with closing(sqlite3.connect(folder / "results.db")) as connection:
        columns = [column for _, column, *_ in connection.execute(f"PRAGMA table_info({table})")]
        left_out = {*OF_A_RUN, *ADDED_COLUMNS.get(table, ())}
        kept = ", ".join(column for column in columns if column not in left_out)
        anew = MEASURED_OR_JUDGED_ANEW.get(table, "FALSE")
        rows = connection.execute(f"SELECT {kept} FROM {table} WHERE NOT ({anew})")
        return {tuple(without_bounds(cell) if isinstance(cell, str) else cell for cell in row) for row in rows}


def incidents_of(folder: Path, *, dated: str) -> set[tuple[object, ...]]:
    """Return all incidents without the time of writing; the title with a wrong date gets the given day.

    Findings that a dead feature alone carried are left out, and so are the limits in its words. A drift without
    effect on the model was a warning.
    """
    before, today = f"0.528, since {NEWEST_FINDING}", f"0.528, since {dated}"
    with closing(sqlite3.connect(folder / "results.db")) as connection:
        columns = [column for _, column, *_ in connection.execute("PRAGMA table_info(incidents)")]
        others = {"updated_at", "explained_by", "title", "subjects", "findings"}
        kept = ", ".join(column for column in columns if column not in others)
        asked = f"SELECT subjects, findings, {kept}, REPLACE(title, ?, ?) FROM incidents"
        rows = list(connection.execute(asked, (before, today)))
    return {
        (
            *_subjects_and_findings(subjects, CHANGED_VALUES.sub("", LIMIT.sub("", findings))),
            *rest,
            ANY_WITHOUT_EFFECT.sub("", LIMIT.sub("", title)).replace(NULLS_BY_SHARE, NULLS_BY_SUITE),
        )
        for subjects, findings, *rest, title in rows
    }


NULLS_BY_SUITE, NULLS_BY_SHARE = (
    "weight: 50 of 50 values null",
    "every value of weight is null; in the reference 0.0% are",
)
"""The share of nulls has a limit of its own today, and lies farther beyond it than the expectation."""
ANY_WITHOUT_EFFECT = re.compile(r"; without effect on the model: [\w, ]+")


def _subjects_and_findings(subjects: str, findings: str) -> tuple[str, ...]:
    found = json.loads(findings)
    kept = [finding for finding in found if CARRIED_BY_A_DEAD_FEATURE not in (finding["reason"] or "")]
    for finding in kept:
        if ANY_WITHOUT_EFFECT.search(finding["reason"]):
            finding |= {"severity": "warning", "reason": ANY_WITHOUT_EFFECT.sub("", finding["reason"])}
        del finding["threshold_upper"], finding["q_value"]
    kept.sort(key=lambda finding: (finding["subject"], finding["name"]))
    gone = {finding["subject"] for finding in found} - {finding["subject"] for finding in kept}
    return json.dumps([s for s in json.loads(subjects) if s not in gone]), json.dumps(kept)


# ------------------------------------------------------------------------------------------------------------ opening


@pytest.mark.parametrize("page", PAGES)
def test_command_on_a_stored_home_prints_the_same(page: str, stored: LivedHome) -> None:
    printed = page_of_today(stored, commands(stored)[page])
    assert changed_lines(page_of_the_older_version(f"{PRINTED}/{page}"), printed) == []


@pytest.mark.parametrize("page", PAGES)
def test_command_on_a_stored_home_fits_a_terminal_of_80_columns(page: str, stored: LivedHome) -> None:
    terminal = {"FORCE_COLOR": "1", "TERM": "dumb", "COLUMNS": "80", "LINES": "25"}
    lines = stored.command(*commands(stored)[page], terminal=terminal).splitlines()
    assert [line for line in lines if len(line) > 80] == []


def test_store_that_was_opened_and_migrated_keeps_every_row(stored: LivedHome, untouched: Path) -> None:
    stored.command("incidents")
    compared = compare_homes(str(untouched), str(stored.folder))
    assert {c.table for c in compared if c.rows[0]} == set(STORED_TABLES)
    assert [c for c in compared if not c.is_equal] == []


def test_story_of_the_stored_home_holds_every_kind_of_decision_incident_and_alert(untouched: Path) -> None:
    with closing(sqlite3.connect(untouched / "results.db")) as connection:
        decided = set(connection.execute("SELECT DISTINCT topic, answer FROM decisions WHERE topic <> 'mute'"))
        states = {state for (state,) in connection.execute("SELECT DISTINCT state FROM incidents")}
        alerts = {state for (state,) in connection.execute("SELECT DISTINCT state FROM alerts")}
        names = {name for (name,) in connection.execute("SELECT DISTINCT name FROM measurements")}
    assert decided >= {
        ("retraining", "yes"), ("retraining", "no"), ("gate", "passed"), ("gate", "refused"), ("shadow", "started"),
        ("trial", "promote"), ("promotion", "promoted"), ("promotion", "refused"), ("rollback", "rolled_back"),
        ("acknowledgement", "acknowledged"), ("outcome", "real"),
    }  # fmt: skip
    assert states >= {"open", "ongoing", "resolved"}
    assert alerts >= {"sent", "due"}
    assert names >= {"recall[lost [item]]", "confusion[held=customs->lost [item]]", "loss_difference[1-2024.1]"}


def test_dagster_yaml_that_a_deployment_has_copied_still_loads(
    untouched: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "dagster"
    folder.mkdir()
    folder.joinpath("dagster.yaml").write_bytes((untouched / "dagster" / "dagster.yaml").read_bytes())
    monkeypatch.setenv("DAGSTER_HOME", str(folder))
    monkeypatch.delenv("DAGSTER_POSTGRES_URL", raising=False)
    with dg.DagsterInstance.from_config(str(folder)) as instance:
        assert type(instance.run_launcher).__name__ == "WatchedRunLauncher"
        assert instance.get_runs_count() == 0


# ---------------------------------------------------------------------------------------------------------- living on


def test_retraining_that_was_decided_before_is_not_asked_for_again(home: LivedHome) -> None:
    assert home.requests("retraining") == []


def test_retraining_whose_run_is_missing_is_asked_for_by_its_stored_key(home: LivedHome) -> None:
    ((asked, at),) = home.ask("SELECT key, at FROM decisions WHERE topic = 'retraining' AND answer = 'yes'")
    with closing(sqlite3.connect(home.folder / "results.db")) as connection:
        connection.execute("DELETE FROM decisions WHERE at >= ? AND topic <> 'retraining'", (at,))
        connection.commit()
    (request,) = home.requests("retraining")
    assert (request.job_name, request.run_config) == (
        f"{LOANS}_retrain",
        {"ops": {f"{LOANS}_train": {"config": {"decision_key": asked}}}},
    )


@pytest.mark.parametrize("model", MODELS)
def test_last_night_again_changes_no_number_but_learned_limits(model: str, home: LivedHome, untouched: Path) -> None:
    """The older version had fixed limits of ``volume_ratio``, floors of drift for independent days, and no guard."""
    assert home.live(model, LIVED[-1], SCHEDULES[model], ZONES[model]).success
    compared = compare_homes(str(untouched), str(home.folder))
    explained = (is_without_dead_features, states_its_limit_today)
    changed = {
        (c.table, d.old) for c in compared for d in c.differences if d.old and not any(why(d) for why in explained)
    }
    # An event has the words of the breach that lies farthest beyond its limit, which nulls had none of.
    assert {table for table, _ in changed} <= {"incidents", "incident_events", "model_references"}
    assert incidents_of(untouched, dated=FIRST_BREACH) == incidents_of(home.folder, dated=FIRST_BREACH)
    without_dead = without_dead_features(home.folder)
    assert measured_in(untouched, but=without_dead) == measured_in(home.folder, but=without_dead)
    before, after = (measured_in(folder, LIMITS, but=without_dead) for folder in (untouched, home.folder))
    guards = {str(guard.metric) for guard in DEFAULT_GUARDS.values()}
    limited = {"volume_ratio", "jensen_shannon", "null_share", "unseen_share", *MultivariateStatistic, *guards}
    assert {name for name, *_ in before ^ after} <= limited


def is_without_dead_features(difference: Difference) -> bool:
    """Return whether a measurement of today says that features without values were left out."""
    return any(WITHOUT_DEAD_FEATURES in cell for cell in difference.new or ())


def states_its_limit_today(difference: Difference) -> bool:
    """Return whether a row differs by nothing but the limit of an expectation, which its reason did not state."""
    old, new = difference.old, difference.new
    return old is not None and new is not None and old != new and old == tuple(LIMIT.sub("", cell) for cell in new)


LIMITS = ("threshold_lower", "threshold_upper")
SINCE_THEN = ("wasserstein", "spread_increase", "cohens_h", "vanished_share", "repeated_chunk", "decisive_measurements",
              "burn_rate[medium]", "burn_rate[slow]")  # fmt: skip
"""Numbers that the older version did not measure by default, and the count that they raise."""
OF_OBJECTIVES = ("attainment", "error_budget_left", "burn_rate", "guarded_metrics")
"""Numbers that have another revision where they are measured again, beside those that the older version lacked."""


def measured_in(
    folder: Path, further_columns: tuple[str, ...] = (), *, but: frozenset[tuple[object, ...]] = frozenset()
) -> set[tuple[object, ...]]:
    """Return the newest measurements of a home: names, values and statuses, and further columns; no bounds."""
    columns = "name, model, chunk, kind, subject, model_version, segment, value, status"
    with closing(sqlite3.connect(folder / "results.db")) as connection:
        rows = connection.execute(f"SELECT {', '.join((columns, *further_columns))} FROM current_measurements")
        # Another processor may sum in another order, and differ in the last digits.
        return {tuple(map(_to_ten_digits, row)) for row in rows if row[:3] not in but and row[0] not in SINCE_THEN}


def _to_ten_digits(cell: object) -> object:
    return float(f"{cell:.10g}") if isinstance(cell, float) else cell


def without_dead_features(folder: Path) -> frozenset[tuple[object, ...]]:
    """Return name, model and chunk of what is measured without features that have no values, and of its count."""
    with closing(sqlite3.connect(folder / "results.db")) as connection:
        asked = "SELECT name, model, chunk FROM current_measurements WHERE reason LIKE ?"
        rows = list(connection.execute(asked, (f"%{WITHOUT_DEAD_FEATURES}",)))
    return frozenset({*rows, *(("decisive_measurements", *of_chunk) for _, *of_chunk in rows)})


@pytest.mark.parametrize("page", LATER_PAGES)
def test_command_after_the_next_night_prints_the_same(page: str, continued: LivedHome) -> None:
    printed = page_of_today(continued, commands(continued, later=True)[page])
    left_out = (*SINCE_THEN, *OF_OBJECTIVES) if page == "what_we_knew_before" else SINCE_THEN
    before, printed = (
        "".join(
            line
            for line in text.splitlines(keepends=True)
            if not line.startswith("Measuring ") and not any(f" {name} " in line for name in left_out)
        )
        for text in (page_of_the_older_version(f"{NEXT_MORNING}/{page}"), printed)
    )
    assert changed_lines(before, with_machine_times_of(before, printed)) == []


@pytest.mark.parametrize("table", sorted(set(STORED_TABLES) - ANSWERED))
def test_next_night_leaves_every_stored_row_as_it_was(table: str, continued: LivedHome, untouched: Path) -> None:
    assert rows_of(untouched, table) <= rows_of(continued.folder, table)


def test_next_night_learns_floors_again_from_stored_days_and_builds_no_reference(
    continued: LivedHome, untouched: Path
) -> None:
    """The older version learned floors as if days were independent."""
    before, after = (current_references(folder) for folder in (untouched, continued.folder))
    assert before.keys() == after.keys()
    for version, document in before.items():
        changed = {name for name in document if document[name] != after[version].get(name)}
        assert {"floors"} <= changed <= {"floors", "multivariate_floors"}


def current_references(folder: Path) -> dict[tuple[str, str], dict[str, object]]:
    """Return the document of each reference in use, by model and version."""
    asked = "SELECT model, model_version, document FROM model_references WHERE is_current"
    with closing(sqlite3.connect(folder / "results.db")) as connection:
        return {(model, version): json.loads(document) for model, version, document in connection.execute(asked)}


def test_next_night_measures_again_only_what_labels_can_change(continued: LivedHome) -> None:
    revised: dict[tuple[object, object], set[object]] = {}
    for model, day, producer in continued.ask(
        "SELECT model, chunk, producer FROM chunk_revisions WHERE revision > 1 AND chunk <> ?", NEXT
    ):
        revised.setdefault((model, day), set()).add(producer)
    assert revised.pop((LOANS, LIVED[-2])) - {"windows", "objectives"} == {
        "labels", "performance", "attribution", "trial", "verdict",
    }  # fmt: skip
    assert revised, "labels of other days have become final"
    assert all(
        producers - {"windows", "objectives"} == {"labels", "performance", "verdict"} for producers in revised.values()
    )


def test_next_night_keeps_the_names_of_incidents_and_what_people_said(continued: LivedHome, untouched: Path) -> None:
    kept = "incident_id, model, cause, opened, since, acknowledged_by, acknowledged_at, muted_until, outcome"
    with closing(sqlite3.connect(untouched / "results.db")) as connection:
        before = set(connection.execute(f"SELECT {kept} FROM incidents"))
    assert before <= set(continued.ask(f"SELECT {kept} FROM incidents"))
    causes = continued.ask("SELECT model, cause FROM incidents WHERE state <> 'resolved'")
    assert len(causes) == len(set(causes))


def test_next_night_doubles_no_event_and_no_alert(continued: LivedHome) -> None:
    for doubled in (
        "SELECT incident_id, kind, chunk FROM incident_events GROUP BY 1, 2, 3 HAVING COUNT(*) > 1",
        "SELECT event_id, channel FROM alerts GROUP BY 1, 2 HAVING COUNT(*) > 1",
        "SELECT model, key FROM decisions GROUP BY 1, 2 HAVING COUNT(*) > 1",
    ):
        assert continued.ask(doubled) == []


def test_alerts_that_were_pending_are_sent_once_and_sent_ones_stay(continued: LivedHome, untouched: Path) -> None:
    with closing(sqlite3.connect(untouched / "results.db")) as connection:
        sent = connection.execute("SELECT alert_id, sent_at FROM alerts WHERE state = 'sent'").fetchall()
        pending = connection.execute(
            "SELECT alert_id FROM alerts WHERE state = 'due' AND due_at < '2024-04-08'"
        ).fetchall()
    assert pending
    now = {alert: (state, attempts, at) for alert, state, attempts, at in continued.ask(
        "SELECT alert_id, state, attempts, sent_at FROM alerts"
    )}  # fmt: skip
    assert [(alert, now[alert][2]) for alert, _ in sent] == sent
    assert {now[alert][0] for (alert,) in pending} == {"sent"}
