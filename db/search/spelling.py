"""Spelling: the words of titles and names as a reader sees them, found by how they are indexed."""

import re
from collections.abc import Iterable, Iterator

from db.search.folding import fold
from db.search.typed_words import TypedWord, clean_text, find_words

_UNIT = re.compile(r"(?:\b[^\W\d_]\.\s?)+[^\W\d_]\.|\.?[^\W_]+(?:['’&.,][^\W_]+)*(?:\+\+|#)?")
"""Words with the signs that may join them: `J. R. R.`, `O'Brien`, `Q&A`, `1,000`, `C++`, `.NET`."""


def units_of(text: str) -> Iterator[tuple[int, int, str, list[TypedWord]]]:
    """Yield the words with the signs that join them: start, stop, form without the signs, and parts.

    The places of the parts are those in the text.
    """
    for unit in _UNIT.finditer(text):
        start = unit.start()
        parts = [
            TypedWord(part.form, start + part.start, start + part.stop, part.grams)
            for part in find_words(unit[0])
        ]
        yield *unit.span(), folded("".join(part.form for part in parts)), parts


def folded(form: str) -> str:
    """Return the form as it is indexed."""
    return fold(clean_text(form))


def spelled_words(texts: Iterable[str]) -> dict[str, str]:
    """Return the words of texts as they are spelled there, by their indexed forms."""
    spellings: dict[str, str] = {}
    for text in texts:
        for start, stop, joined, parts in units_of(text):
            for part in parts:
                spellings.setdefault(folded(part.form), text[part.start : part.stop])
            spellings.setdefault(joined, text[start:stop])
    return spellings
