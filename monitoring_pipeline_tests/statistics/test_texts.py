"""Characters of texts against Python's own functions, and sequences of three characters counted one by one."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring_pipeline.statistics.texts import BUCKETS, SCRIPTS, count_characters, sequence_shares

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


def codes(texts):
    joined = np.array([ord(c) for c in "".join(texts)], dtype=np.uint32)
    return joined, np.array([len(text) for text in texts], dtype=np.int64)


@given(st.lists(TEXT, min_size=1, max_size=8))
def test_counts_are_those_of_python(texts):
    counts = count_characters(*codes(texts))
    assert counts.words.tolist() == [len(t.split()) for t in texts]
    assert counts.visible.tolist() == [sum(not c.isspace() for c in t) for t in texts]
    assert counts.beyond_ascii.tolist() == [sum(ord(c) > 127 and not c.isspace() for c in t) for t in texts]


@pytest.mark.parametrize(("text", "letters", "capitals", "digits", "signs", "script"), [
    ("Hello, World 42!", 10, 2, 2, 2, "Latin"), ("Привет", 6, 1, 0, 0, "Cyrillic"), ("12 — 3", 0, 0, 3, 1, None),
    ("東京 Tower 塔塔塔塔塔", 12, 1, 0, 0, "Han"), ("Zażółć", 6, 1, 0, 0, "Latin"), ("", 0, 0, 0, 0, None),
    ("ελληνικά abc", 11, 0, 0, 0, "Greek"), ("שלום", 4, 0, 0, 0, "Hebrew"), ("ᚠᚢᚦ", 3, 0, 0, 0, "another script"),
])  # fmt: skip
def test_kinds_and_scripts_of_characters(text, letters, capitals, digits, signs, script):
    counts = count_characters(*codes(["other", text]))
    found = counts.letters[1], counts.capitals[1], counts.digits[1], counts.signs[1]
    assert found == (letters, capitals, digits, signs)
    assert (SCRIPTS[counts.script[1]] if counts.script[1] >= 0 else None) == script


def test_shares_of_sequences_are_those_counted_one_by_one():
    texts = ["banana banana", "ab", "year 1984", "year 2024"]
    shares = sequence_shares(*codes(texts))
    assert shares.shape == (4, BUCKETS)
    for text, row in zip(texts, shares, strict=True):
        plain = "".join("0" if c.isdigit() else c for c in text)
        counted = Counter(plain[place : place + 3] for place in range(len(plain) - 2))
        total = sum(counted.values())
        assert np.sum(row**2) == pytest.approx(1.0 if total else 0.0)
        # Different sequences may share a bucket, so that the largest share is at least that of the most frequent one.
        if total:
            assert np.max(row**2) >= max(counted.values()) / total - 1e-12
    np.testing.assert_array_equal(shares[2], shares[3])


def test_a_sequence_never_spans_two_texts():
    together = sequence_shares(*codes(["abc", "def"]))
    alone = [sequence_shares(*codes([text]))[0] for text in ("abc", "def")]
    np.testing.assert_array_equal(together, np.array(alone))
