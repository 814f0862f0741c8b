"""The text of a spec that is kept: the file as it was read, without passwords."""

import datetime as dt
from pathlib import Path

import yaml

from monitoring_pipeline.evaluation.privacy.secrets import keep_secret
from monitoring_pipeline.records.spec_text import SpecText
from monitoring_pipeline.spec.loading import LoadedSpec, load_spec
from monitoring_pipeline.steps.specs.texts import changes_of, unrecorded_text
from monitoring_pipeline_tests.worlds.one_model_world import SPEC

FIELDS = SPEC | {"start": "2024-01-01", "reference": {"1": {"start": "2023-12-01", "end": "2024-01-01"}}}


class Kept:
    """The texts that are kept, without a database."""

    def __init__(self) -> None:
        self.texts: list[SpecText] = []

    def spec_texts(self, _: str) -> list[SpecText]:
        return self.texts

    def newest_spec_text(self, _: str) -> SpecText | None:
        return self.texts[-1] if self.texts else None

    def spec_text_of(self, *_: object) -> SpecText | None:
        raise NotImplementedError

    def unrecorded_specs(self, _: str) -> list[object]:
        return []

    def keep(self, loaded: LoadedSpec) -> SpecText | None:
        text = unrecorded_text(
            loaded,
            self,
            find_commit=lambda path, content: None,
            now=dt.datetime(2024, 1, 2, tzinfo=dt.UTC),
            run_id="run",
            recorded_by="dagster",
        )
        self.texts += [text] if text else []
        return text


def written(folder: Path, comment: str = "", **fields: object) -> LoadedSpec:
    (folder / "m.yaml").write_text(f"# {comment}\n{yaml.safe_dump(FIELDS | fields)}", encoding="utf-8")
    return load_spec(folder / "m.yaml")


def test_text_is_the_file_and_is_kept_once(tmp_path: Path) -> None:
    kept, loaded = Kept(), written(tmp_path, "first")
    text = kept.keep(loaded)
    assert text is not None
    assert (text.text, text.is_file) == ((tmp_path / "m.yaml").read_text(), True)
    assert kept.keep(loaded) is None


def test_changed_comment_is_a_text_of_the_same_hash(tmp_path: Path) -> None:
    kept = Kept()
    for comment in ("first", "second"):
        kept.keep(written(tmp_path, comment))
    assert [text.spec_hash for text in kept.texts] == [load_spec(tmp_path / "m.yaml").spec.spec_hash] * 2
    assert changes_of(kept.texts)[1].diff[3:5] == ("-# first", "+# second")
    assert (changes_of(kept.texts)[1].added, changes_of(kept.texts)[1].removed) == (1, 1)


def test_file_that_changed_after_it_was_read_is_not_taken_for_what_was_used(tmp_path: Path) -> None:
    kept, used = Kept(), written(tmp_path, owner="team:one")
    written(tmp_path, owner="team:two")
    text = kept.keep(used)
    assert text is not None
    assert (text.is_file, yaml.safe_load(text.text)["owner"]) == (False, "team:one")
    assert kept.keep(used) is None
    (tmp_path / "m.yaml").unlink()
    assert kept.keep(used) is None


def test_no_password_is_kept_and_names_of_secrets_stay(tmp_path: Path) -> None:
    keep_secret(["s3cret-of-the-hook"])
    loaded = written(
        tmp_path,
        "postgresql://reader:pa55word@db/x and s3cret-of-the-hook",
        predictions={**SPEC["predictions"], "model_version": "version"},
        retraining={"webhook": "trainer_hook"},
    )
    text = Kept().keep(loaded)
    assert text is not None
    assert [part in text.text for part in ("pa55word", "s3cret-of-the-hook", "webhook: trainer_hook")] == [
        False, False, True,
    ]  # fmt: skip
    assert text.is_file
