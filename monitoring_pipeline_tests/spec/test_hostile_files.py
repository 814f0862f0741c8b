"""Files that are broken or hostile: each is reported in short lines, and the specs beside it stay usable."""

import os
import re
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitoring_pipeline.quality.suites import SuiteError, load_suite
from monitoring_pipeline.spec.alerting import load_alerting_rules
from monitoring_pipeline.spec.loading import SpecFolder, read_specs
from monitoring_pipeline.spec.parsing.documents import SpecError
from monitoring_pipeline.spec.parsing.files import LONGEST_PROBLEM
from monitoring_pipeline.steps.specs.checks import check_model

SHIPPED = Path(__file__).parents[2] / "monitoring_pipeline" / "models" / "arrival_delay.yaml"
GOOD = SHIPPED.read_text(encoding="utf-8")
OTHER = GOOD.replace("arrival_delay", "other")
NAMES = "abcdefghi"
BOMB = "".join(
    f"{name}: &{name} [{', '.join([before] * 9)}]\n"
    for before, name in zip(["x", *(f"*{name}" for name in NAMES)], NAMES, strict=False)
)
HOSTILE = {
    "alias bomb": BOMB,
    "alias bomb as a value": f"{BOMB}owner: *i\n",
    "lists 10,000 deep": "[" * 10_000,
    "maps 5,000 deep": "a: " + "{a: " * 5_000,
    "a part that contains itself": "a: &a [*a]\nname: *a",
    "year 1": re.sub(r"201[0-9]-", "0001-", OTHER),
    "year 9999": re.sub(r"201[0-9]-", "9999-", OTHER),
    "month 99": "name: x\nstart: 2013-99-99",
    "NUL": OTHER + "\0",
    "tag of Python": "a: !!python/object/apply:os.system ['true']",
    "number of 5,000 digits": "name: x\nstart: " + "9" * 5_000,
    "number in base 60": "name: " + "1:" * 3_000 + "1",
    "value of 900 kB": "name: " + "x" * 900_000,
    "key of 200 kB": "? " + "k" * 200_000 + "\n: 1\n",
    "10,000 keys": "\n".join(f"k{n}: 1" for n in range(10_000)),
    "same key of 100 kB twice": ("k" * 1_000 + ": 1\n") * 2,
    "merge key of a number": "<<: 1",
    "key that is a list": "? [a]\n: b",
    "empty": "",
    "text": "spec",
}  # fmt: skip


def expect_only_good(folder: SpecFolder, bad: int = 1) -> None:
    assert [loaded.spec.name for loaded in folder.good] == ["arrival_delay"]
    assert len(folder.bad) == bad
    for entry in folder.bad:
        assert entry.problems
        assert len(entry.problems) <= 51
        assert len(entry.model) <= 400
        for problem in entry.problems:
            assert str(entry.path) in problem
            assert len(problem) < LONGEST_PROBLEM + len(str(entry.path)) + 50


@pytest.fixture
def specs(tmp_path: Path) -> Path:
    (tmp_path / SHIPPED.name).write_text(GOOD, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_is_reported_and_the_good_spec_stays_usable(specs: Path, text: str) -> None:
    (specs / "bad.yaml").write_text(text, encoding="utf-8")
    expect_only_good(read_specs(specs, check_model))


def test_what_is_no_readable_file_is_reported_and_the_good_spec_stays_usable(specs: Path) -> None:
    (specs / "folder.yaml").mkdir()
    (specs / "loop.yaml").symlink_to(specs / "loop.yaml")
    (specs / "bytes.yaml").write_bytes(b"\xff\xfe\x00")
    os.mkfifo(specs / "pipe.yaml")
    with (specs / "huge.yaml").open("wb") as file:
        file.truncate(100_000_000)
    expect_only_good(read_specs(specs, check_model), bad=5)


def test_check_that_fails_in_an_unforeseen_way_concerns_its_file_only(specs: Path) -> None:
    (specs / "other.yaml").write_text(OTHER, encoding="utf-8")

    def check(loaded) -> None:
        check_model(loaded)
        if loaded.spec.name == "other":
            raise ZeroDivisionError("x" * 10_000)

    folder = read_specs(specs, check)
    expect_only_good(folder)
    assert "cannot be used: ZeroDivisionError" in folder.problems[0]


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_suites_and_alerting_rules_are_refused_in_short_lines(tmp_path: Path, text: str) -> None:
    file = tmp_path / "x.yaml"
    file.write_text(text, encoding="utf-8")
    for load, error in ((load_alerting_rules, SpecError), (load_suite, SuiteError)):
        with pytest.raises(error) as raised:
            load(file)
        assert max(map(len, str(raised.value).splitlines())) < LONGEST_PROBLEM + len(str(file)) + 50


EXAMPLES = int(os.environ.get("MONITORING_PIPELINE_FUZZ_EXAMPLES", "100"))
VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.dates(), st.datetimes(),
    st.sampled_from(["0001-01-01", "9999-12-31", "10" * 40, "9" * 30 + "d", "x" * 5_000, -1, 10**400, [], {}, [[]]]),
    st.lists(st.text(max_size=3), max_size=3), st.dictionaries(st.text(max_size=3), st.integers(), max_size=3),
)  # fmt: skip


def paths_in(value: object, path: tuple = ()) -> list[tuple]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(deeper for key, part in inner for deeper in paths_in(part, (*path, key)))]


PATHS = [path for path in paths_in(yaml.safe_load(OTHER)) if path]


@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.lists(st.tuples(st.sampled_from(PATHS), VALUES), min_size=1, max_size=3), cut=st.integers(0, 10_000))
def test_mutated_spec_never_stops_the_good_one(specs: Path, changes, cut) -> None:
    document = yaml.safe_load(OTHER)
    for path, value in changes:
        place = document
        try:
            for key in path[:-1]:
                place = place[key]
            place[path[-1]] = value
        except (TypeError, KeyError, IndexError):
            continue
    text = yaml.safe_dump(document, allow_unicode=True)
    (specs / "other.yaml").write_text(text[: cut or None] if cut < 500 else text, encoding="utf-8")
    folder = read_specs(specs, check_model)
    assert "arrival_delay" in [loaded.spec.name for loaded in folder.good]
    for entry in folder.bad:
        assert all(str(entry.path) in problem and len(problem) < 3_000 for problem in entry.problems)


MANY = {
    "240,000 items": "- 1\n" * 240_000,
    "100,000 keys": "".join(f"k{n}: 1\n" for n in range(80_000)),
    "list on one line": "a: [" + "1," * 480_000 + "]",
    "100,000 brackets": "[" * 100_000,
    "50,000 anchors": "".join(f"k{n}: &a{n} 1\n" for n in range(50_000)),
    "300,000 comments": "#x\n" * 300_000,
    "text in quotes": 'a: "' + "x " * 490_000 + '"',
}


@pytest.mark.parametrize("text", MANY.values(), ids=MANY)
def test_file_of_a_megabyte_is_refused_within_seconds(specs: Path, text: str) -> None:
    (specs / "bad.yaml").write_text(text, encoding="utf-8")
    begun = time.process_time()
    expect_only_good(read_specs(specs, check_model))
    assert time.process_time() - begun < 10
