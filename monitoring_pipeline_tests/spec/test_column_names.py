"""Names in messages: similar ones, and a list that is never long."""

from hypothesis import given
from hypothesis import strategies as st

from monitoring_pipeline.spec.column_names import LONGEST_LIST, allowed_names

NAMES = st.lists(st.text(st.characters(categories=["Ll"]), min_size=1, max_size=40), min_size=1, unique=True)


def test_short_list_is_written_in_full_after_the_similar_name():
    assert allowed_names("betwen", ["unique", "between"]) == "did you mean between? known: between, unique"


def test_long_list_gives_way_to_similar_names_and_its_place():
    many = [f"expect_values_to_be_{number}" for number in range(60)]
    text = allowed_names("expect_values_to_be_7x", many, more_at="the gallery")
    assert text.startswith("did you mean expect_values_to_be_7 or ")
    assert text.endswith("60 are known (the gallery)")


@given(st.text(max_size=40), NAMES)
def test_text_about_any_names_is_bounded(name: str, allowed: list[str]):
    assert len(allowed_names(name, allowed)) <= 2 * LONGEST_LIST
