"""Registered texts: found by their hashes, limited in entries and in bytes."""

import sys

from hypothesis import given
from hypothesis import strategies as st

from graphql_api.http.registered_texts import RegisteredTexts

TEXTS = st.text(st.sampled_from("aé€😀"), max_size=30)


def test_a_million_unknown_hashes_leave_nothing_behind() -> None:
    texts = RegisteredTexts()

    assert not any(texts.get(f"{number:064x}") for number in range(1_000_000))

    assert (len(texts.entries), texts.total_bytes) == (0, 0)


def test_the_least_recently_used_text_is_dropped_first() -> None:
    texts = RegisteredTexts(max_entries=2)
    texts.add("a", "{ a }")
    texts.add("b", "{ b }")

    assert texts.get("a") == "{ a }"
    texts.add("c", "{ c }")

    assert [texts.get(each) for each in "abc"] == ["{ a }", None, "{ c }"]


def test_a_text_that_is_too_large_is_not_kept() -> None:
    texts = RegisteredTexts(max_bytes=1_000)

    texts.add("a", "a" * 1_000)

    assert (texts.get("a"), len(texts.entries), texts.total_bytes) == (None, 0, 0)


@given(st.lists(st.tuples(st.integers(0, 9).map(str), TEXTS)), st.integers(1, 5), st.integers(50, 500))
def test_entries_and_bytes_never_exceed_their_limits(
    added: list[tuple[str, str]], max_entries: int, max_bytes: int
) -> None:
    texts = RegisteredTexts(max_entries=max_entries, max_bytes=max_bytes)

    for hash_, text in added:
        texts.add(hash_, text)

        assert len(texts.entries) <= max_entries
        assert texts.total_bytes == sum(map(sys.getsizeof, texts.entries.values())) <= max_bytes
