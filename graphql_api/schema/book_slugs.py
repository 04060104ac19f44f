"""Slugs of books: the words of the title and the database id, for addresses that people can read.

Nothing is stored. A slug is read by its number alone, so one that was given once stays valid.
"""

import re
import unicodedata
from itertools import groupby

from db.keyset import MAX_BIGINT
from db.search.folding import fold
from graphql_api.schema.errors import UserInputError

MAX_SLUG_LENGTH = 80
"""Maximum number of characters of a slug with its number."""

_SPELLED = str.maketrans({"&": " and ", "+": " plus ", "#": " sharp ", "'": None, "’": None})
_ID = re.compile(r"(?:.*-)?0*([0-9]+)", re.DOTALL)


def book_slug(title: str, key: int) -> str:
    """Return the slug of a book: its number, behind as many whole words of the title as there is room for.

    A single word that is too long is cut. Letters of every script stay; Latin and Greek ones lose accents.
    """
    room = MAX_SLUG_LENGTH - len(f"-{key}")
    words = "-".join(_split_words(title[: 4 * MAX_SLUG_LENGTH]))
    if len(words) > room:
        words = words[: room + 1].rpartition("-")[0] or words[:room]
    return f"{words}-{key}" if words else str(key)


def _split_words(text: str) -> list[str]:
    """Return the words: runs of letters and digits, with the marks of scripts that write vowels as marks."""
    folded = fold(text.translate(_SPELLED))
    return ["".join(run) for is_word, run in groupby(folded, _is_part_of_word) if is_word]


def _is_part_of_word(character: str) -> bool:
    return character.isalnum() or unicodedata.category(character).startswith("M")


def parse_book_slug(argument: str, slug: str) -> int:
    """Return the database id in a slug; 0, which no book has, for a number that is too large.

    Raise UserInputError if there is no number at the end.
    """
    found = _ID.fullmatch(slug)
    if found is None:
        raise UserInputError(
            argument,
            f"{argument} is {slug[:60]!r}, which does not end in the number of a book. "
            "Use a value of `Book.slug`.",
        )
    is_too_large = len(found[1]) > len(str(MAX_BIGINT)) or int(found[1]) > MAX_BIGINT
    return 0 if is_too_large else int(found[1])
