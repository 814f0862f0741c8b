"""References from another table, a file or a query."""

from typing import Any

import pytest

from monitoring_pipeline.evaluation.reference.reference import Reference
from monitoring_pipeline.evaluation.rows.errors import SourceError
from monitoring_pipeline.steps.reference.building import take_reference
from monitoring_pipeline.steps.references import reference_rows
from monitoring_pipeline_tests.worlds.retraining_world import NOW, outside
from monitoring_pipeline_tests.worlds.world import DAYS, FIRST, FIRST_ROW, LOANS, World

VERSION = "2024.1"
OF_WINDOW = f"""
    SELECT * FROM "Loan Scores"
    WHERE "Scored At" >= TIMESTAMP '{FIRST_ROW} 00:00' - INTERVAL 1 HOUR
      AND "Scored At" < TIMESTAMP '{FIRST} 00:00' - INTERVAL 1 HOUR
"""
WITH_LABELS = f'SELECT * EXCLUDE ("Ref") FROM ({OF_WINDOW}) JOIN "Outcomes" ON "Ref" = "Application ID"'
SHARED = ("bins", "profile", "performance", "floors", "multivariate_floors", "estimation", "label_delay", "window")


def take(world: World, source: dict[str, Any] | None, **parts: Any) -> Reference:
    window = {"start": FIRST_ROW, "end": FIRST} if source is None else source
    world.change_spec(LOANS, reference={VERSION: window}, **parts)
    with outside(world) as ports:
        return take_reference(world.loaded(LOANS), VERSION, ports, now=NOW, rebuild=True).reference


def sources_of(world: World) -> dict[str, dict[str, Any]]:
    """Create the rows of the reference in each kind of source."""
    folder = world.folder
    world.execute(
        "CREATE SCHEMA validation",
        f"CREATE TABLE validation.scores AS {OF_WINDOW}",
        f"COPY ({OF_WINDOW}) TO '{folder}/rows.parquet'",
        f"COPY ({WITH_LABELS}) TO '{folder}/labelled.parquet'",
        f"COPY ({WITH_LABELS}) TO '{folder}/labelled.csv'",
        f"COPY (SELECT * RENAME (age AS years) FROM ({WITH_LABELS})) TO '{folder}/renamed.parquet'",
    )
    return {
        "table": {"table": "validation.scores"},
        "query": {"query": f"{OF_WINDOW}; -- the validation"},
        "parquet": {"file": "../rows.parquet"},
        "labels in the rows": {"file": "../labelled.parquet"},
        "csv": {"file": "../labelled.csv"},
        "other names": {"file": "../renamed.parquet", "columns": {"age": "years"}},
        "window of a table": {"table": "Loan Scores", "start": FIRST_ROW, "end": FIRST},
    }


def test_reference_of_any_source_equals_that_of_the_same_predictions(world):
    expected = take(world, None)
    for name, source in sources_of(world).items():
        reference = take(world, source)
        for field in SHARED:
            if not (name == "csv" and field in {"bins", "profile", "floors", "multivariate_floors", "estimation"}):
                assert getattr(reference, field) == getattr(expected, field), (name, field)
        assert (reference.profile.rows, reference.labelled_rows) == (2000, 2000), name
        assert (reference.chunks, reference.table_columns) == ((), {}), name


def test_rows_without_versions_and_times_of_labels_belong_to_the_version_of_the_reference(world):
    query = f'SELECT * EXCLUDE ("VERSION", "Reported At") FROM ({WITH_LABELS})'
    reference = take(world, {"query": query})
    assert (reference.profile.rows, reference.labelled_rows) == (2000, 2000)
    assert reference.label_delay.reason is not None
    assert "labels.known_at is not declared" in reference.label_delay.reason


def test_ids_of_a_csv_file_have_the_type_of_the_predictions(world):
    world.execute(
        'UPDATE "Loan Scores" SET "Application ID" = substr("Application ID", 3)',
        'UPDATE "Outcomes" SET "Ref" = substr("Ref", 3)',
        f"COPY ({OF_WINDOW}) TO '{world.folder}/rows.csv'",
    )
    assert take(world, {"file": "../rows.csv"}).labelled_rows == 2000


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ({"table": "nowhere"}, "reference.2024.1.table: no table 'nowhere'"),
        ({"file": "nothing.parquet"}, "nothing.parquet: no such file"),
        ({"file": "/etc/*.csv"}, "outside the folders of MONITORING_PIPELINE_WAREHOUSE_FOLDERS"),
        ({"query": "SELECT * FROM nowhere"}, "nowhere does not exist"),
        ({"query": "SELEC 1"}, "syntax error"),
        ({"query": "SELECT 1; SELECT 2"}, "one SELECT is needed, got SELECT and SELECT"),
        ({"query": "DROP TABLE Outcomes"}, "one SELECT is needed, got DROP"),
        ({"query": "SELECT $x"}, "it must have no parameters, got x"),
        ({"query": "SELECT * FROM read_csv('/etc/passwd')"}, "outside the folders"),
        ({"query": "SELECT 1 AS one"}, "has no column 'Application ID'"),
        ({"table": "Loan Scores", "columns": {"age": "years"}}, "reference.2024.1.columns: no column 'years'"),
        ({"query": f'SELECT * REPLACE (CAST("EMPLOYMENT" AS INT) AS age) FROM ({OF_WINDOW})'}, "ConversionException"),
    ],
)
def test_source_that_cannot_be_read_is_an_error_that_names_the_field_and_no_value(world, source, words):
    with pytest.raises(SourceError) as raised:
        take(world, source)
    assert words in str(raised.value)
    assert "reference.2024.1" in str(raised.value)
    assert "self-employed" not in str(raised.value)


def test_rows_of_a_reference_from_a_file_are_kept_with_their_labels(world):
    reference = take(world, sources_of(world)["labels in the rows"])
    with outside(world) as ports:
        rows = reference_rows(world.loaded(LOANS).spec, reference, ports)
    assert rows.height == 2000
    assert rows["label"].null_count() == 0


def test_night_with_a_reference_from_a_file_measures_drift_and_no_volume(world):
    source = sources_of(world)["labels in the rows"]
    world.change_spec(LOANS, reference={VERSION: source})
    assert world.failures(LOANS, DAYS[0]) == ()
    measured = dict(
        world.ask("SELECT DISTINCT name, status FROM current_measurements WHERE subject IN ('chunk', 'income')")
    )
    assert (measured["volume_ratio"], measured["freshness_hours"]) == ("skipped", "skipped")
    assert measured["jensen_shannon" if "jensen_shannon" in measured else "wasserstein"] == "ok"
