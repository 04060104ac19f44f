"""Shortened texts end between words, and never inside a letter."""

from unicodedata import category

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphql_api.schema.truncation import truncate_text

FAMILY = "👩\u200d👩\u200d👧"
WALES = "🏴\U000e0067\U000e0062\U000e0077\U000e006c\U000e0073\U000e007f"


@pytest.mark.parametrize(
    ("text", "length", "shortened"),
    [
        ("", 1, ""),
        ("one two three", 13, "one two three"),
        ("one two three", 12, "one two…"),
        ("one two three", 8, "one two…"),
        ("one two three", 7, "one…"),
        ("one two three", 1, "…"),
        ("one,  two\nthree", 7, "one…"),
        ("one – two three", 7, "one…"),
        ("Donaudampfschifffahrt", 6, "Donau…"),
        ("a Donaudampfschifffahrt", 10, "a Donauda…"),
        ("紅楼夢という小説", 4, "紅楼夢…"),
        ("cafe\u0301s", 5, "caf…"),
        ("e\u0301e\u0301e\u0301", 2, "…"),
        (f"ab{FAMILY}c", 5, "ab…"),
        ("ab👍🏽c", 4, "ab…"),
        ("ab\u2764\ufe0fc", 4, "ab…"),
        (f"ab{WALES}c", 6, "ab…"),
        ("🇩🇪🇫🇷🇮🇹", 4, "🇩🇪…"),
        ("🇩🇪🇫🇷🇮🇹", 5, "🇩🇪🇫🇷…"),
        ("𝒜𝒷𝒸𝒹", 3, "𝒜𝒷…"),
    ],
)
def test_a_text_is_cut_between_words_or_letters(text: str, length: int, shortened: str) -> None:
    assert truncate_text(text, length) == shortened


@given(st.text(), st.integers(1, 40))
def test_a_cut_text_is_a_beginning_within_the_length(text: str, length: int) -> None:
    shortened = truncate_text(text, length)

    assert len(shortened) <= length
    if shortened != text:
        kept = shortened.removesuffix("…")
        assert text.startswith(kept)
        assert not category(text[len(kept)]).startswith("M") or not kept
