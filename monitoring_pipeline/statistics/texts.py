"""Numbers about texts that need no language: kinds of characters, words, scripts, and sequences of three characters."""

import unicodedata
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from monitoring_pipeline.statistics.inputs import Vector

Codes = NDArray[np.uint32]
Counts = NDArray[np.int64]
BUCKETS = 256
"""Sequences of three characters are counted in so many buckets."""
SCRIPTS = (
    "Latin", "Cyrillic", "Greek", "Arabic", "Hebrew", "Han", "Hiragana", "Katakana", "Hangul", "Devanagari", "Bengali",
    "Tamil", "Telugu", "Thai", "Georgian", "Armenian", "Ethiopic", "Khmer", "Myanmar", "another script",
)  # fmt: skip
LETTER, CAPITAL, DIGIT, SIGN, SPACE, OTHER = range(6)
_LARGEST_CODE = 0x2FFFF
_SCRIPT_OF_WORD = {name.upper(): place for place, name in enumerate(SCRIPTS)} | {"CJK": SCRIPTS.index("Han")}
_KIND_OF_CATEGORY = {"Lu": CAPITAL, "Lt": CAPITAL}
_KIND_OF_GROUP = {"L": LETTER, "M": LETTER, "N": DIGIT, "P": SIGN, "S": SIGN, "Z": SPACE}
_ZERO, _FIRST_AFTER_ASCII = ord("0"), 128
_MULTIPLIERS = (np.uint32(0x9E3779B1), np.uint32(0x85EBCA77), np.uint32(0xC2B2AE3D))
"""Odd numbers with mixed bits; products with them are taken modulo 2**32."""
_SHIFT = np.uint32(24)
"""The highest bits of a product are mixed best."""


@dataclass(frozen=True, eq=False)
class CharacterCounts:
    """Counts of the characters of texts, one entry for each text.

    Args:
        letters: letters, with the marks that belong to them.
        capitals: capital letters among them.
        digits: digits and other numbers.
        signs: punctuation and symbols.
        visible: all characters but spaces.
        beyond_ascii: visible characters beyond ASCII.
        words: runs of visible characters.
        script: place in ``SCRIPTS`` of the script that most letters have; -1 without letters.
    """

    letters: Counts
    capitals: Counts
    digits: Counts
    signs: Counts
    visible: Counts
    beyond_ascii: Counts
    words: Counts
    script: Counts


def count_characters(codes: Codes, lengths: Counts) -> CharacterCounts:
    """Count the characters of texts.

    Kinds are Unicode's general categories; a script is the first word of a letter's name in Unicode.

    Args:
        codes: code points of all texts, one after the other, shape (characters,).
        lengths: characters of each text, shape (texts,).
    """
    kind_of, script_of = _tables()
    bounded = np.minimum(codes, _LARGEST_CODE)
    kinds, texts = kind_of[bounded], np.repeat(np.arange(lengths.size), lengths)
    counts = _by_text(texts, kinds, lengths.size, OTHER + 1)
    visible = kinds != SPACE
    begins = np.ones(kinds.size, dtype=np.bool_)
    begins[1:] = ~visible[:-1] | (texts[1:] != texts[:-1])
    is_letter = (kinds == LETTER) | (kinds == CAPITAL)
    scripts = _by_text(texts[is_letter], script_of[bounded[is_letter]], lengths.size, len(SCRIPTS))
    letters = counts[:, LETTER] + counts[:, CAPITAL]
    return CharacterCounts(
        letters=letters,
        capitals=counts[:, CAPITAL],
        digits=counts[:, DIGIT],
        signs=counts[:, SIGN],
        visible=lengths - counts[:, SPACE],
        beyond_ascii=_number_in(texts, visible & (codes >= _FIRST_AFTER_ASCII), lengths.size),
        words=_number_in(texts, visible & begins, lengths.size),
        script=np.where(letters > 0, scripts.argmax(axis=1), -1),
    )


def sequence_shares(codes: Codes, lengths: Counts) -> Vector:
    """Return the square roots of the shares of a text's sequences of three characters by bucket.

    The square roots of shares have length 1, and their distances are those of Hellinger. Digits count as one
    character. A text of fewer than three characters has zeros only.

    Args:
        codes: code points of all texts in small letters, one after the other, shape (characters,).
        lengths: characters of each text, shape (texts,).

    Returns:
        shape (texts, BUCKETS).
    """
    kind_of, _ = _tables()
    plain = np.where(kind_of[np.minimum(codes, _LARGEST_CODE)] == DIGIT, np.uint32(_ZERO), codes).astype(np.uint32)
    texts = np.repeat(np.arange(lengths.size), lengths)
    if plain.size < len(_MULTIPLIERS):
        return np.zeros((lengths.size, BUCKETS))
    first, second, third = plain[:-2], plain[1:-1], plain[2:]
    mixed = first * _MULTIPLIERS[0] ^ second * _MULTIPLIERS[1] ^ third * _MULTIPLIERS[2]
    buckets = (mixed * _MULTIPLIERS[0]) >> _SHIFT
    within = texts[:-2] == texts[2:]
    counts = _by_text(texts[:-2][within], buckets[within], lengths.size, BUCKETS).astype(np.float64)
    return np.sqrt(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1.0))


def _by_text(texts: Counts, values: NDArray[np.integer], rows: int, columns: int) -> Counts:
    """Return the number of times that each text has each value, shape (rows, columns)."""
    return np.bincount(texts * columns + values, minlength=rows * columns).reshape(rows, columns)


def _number_in(texts: Counts, flags: NDArray[np.bool_], rows: int) -> Counts:
    return np.bincount(texts[flags], minlength=rows)


@cache
def _tables() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return the kind and the script of each code point up to the largest that is told apart."""
    kinds = np.full(_LARGEST_CODE + 1, OTHER, dtype=np.uint8)
    scripts = np.full(_LARGEST_CODE + 1, len(SCRIPTS) - 1, dtype=np.uint8)
    for code in range(_LARGEST_CODE + 1):
        character = chr(code)
        category = unicodedata.category(character)
        kinds[code] = SPACE if character.isspace() else _KIND_OF_CATEGORY.get(category, _kind_of_group(category))
        if kinds[code] in (LETTER, CAPITAL):
            word = unicodedata.name(character, "").partition(" ")[0]
            scripts[code] = _SCRIPT_OF_WORD.get(word, len(SCRIPTS) - 1)
    return kinds, scripts


def _kind_of_group(category: str) -> int:
    return _KIND_OF_GROUP.get(category[0], OTHER)
