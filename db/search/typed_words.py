"""A typed text as words and ISBNs, each with its place in the text."""

import re
import unicodedata
from dataclasses import dataclass
from itertools import pairwise

from stdnum import isbn as stdnum_isbn
from stdnum.exceptions import ValidationError

MAX_WORDS = 24
"""Maximum number of words of a text that are searched; further ones are ignored."""

_UNSPACED = (
    "\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\U00020000-\U0003ffff"
)
_INDIC = "\u0900-\u0963\u0966-\u0dff"  # their vowel signs are no letters to Python
_INVISIBLE = re.compile(
    "[\u00ad\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670"
    "\u200b-\u200f\u2060\ufeff]"
)
_WORD = re.compile(
    rf"(?P<run>[{_UNSPACED}]+)"
    rf"|(?P<number>\d{{1,3}}(?:,\d{{3}})+(?!\d))"
    rf"|(?P<symbols>(?<!_)[^\W_{_UNSPACED}]+(?:\+\+|#)(?!\w)|(?<![\w.])\.[^\W\d_{_UNSPACED}]+(?!\w))"
    rf"|(?P<plain>(?:[^\W_{_UNSPACED}]|[{_INDIC}])+)"
)
_UNSPACED_WORD = re.compile(f"[{_UNSPACED}]+")
_ISBN_LABEL = re.compile(r"(?:urn:)?isbn(?:-?1[03])?\s*:?\s*", re.IGNORECASE)
_ISBN_DIGITS = re.compile(
    r"(?<![\w])(?:97[89](?:[-‐-―.\s]?\d){10}|\d(?:[-‐-―.\s]?\d){8}[-‐-―.\s]?[\dXx])(?!\w)"
)
_SHORT_ISBN = re.compile(r"\s*(\d{7,9}|\d{6,8}[Xx])\s*")


@dataclass(frozen=True, slots=True)
class TypedWord:
    """A word of a text: `text[start:stop]`, in the form to look up in the vocabulary.

    A run of a script without spaces has `grams`, which all books with the run contain.
    """

    form: str
    start: int
    stop: int
    grams: tuple[str, ...] = ()


def clean_text(text: str) -> str:
    """Return the text without characters that are not seen: as the database function clean_text()."""
    return text if text.isascii() else _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))


def find_words(text: str) -> list[TypedWord]:
    """Return the first MAX_WORDS words of a clean text."""
    words: list[TypedWord] = []
    for match in _WORD.finditer(text):
        kind, found = match.lastgroup, match[0]
        if kind == "run":
            words.append(TypedWord(found, *match.span(), grams_of(found)))
        else:
            words.append(TypedWord(_form(kind, found), *match.span()))
    return words[:MAX_WORDS]


def grams_of(word: str) -> tuple[str, ...]:
    """Return the pairs of characters of a word of a script without spaces; nothing for other words."""
    if not _UNSPACED_WORD.fullmatch(word):
        return ()
    return (word,) if len(word) == 1 else tuple(a + b for a, b in pairwise(word))


def _form(kind: str | None, found: str) -> str:
    """Return the form that the database function joined_words() gives a kind of word."""
    if kind == "number":
        return found.replace(",", "")
    if kind == "symbols":
        return re.sub(r"^\.", "dot", found).replace("++", "plusplus").replace("#", "sharp")
    return found


def find_isbns(text: str) -> tuple[list[str], str]:
    """Return the ISBN-13s in a clean text, in any spelling, and the text without them and their labels.

    A text that is a number of seven to nine digits is an ISBN-10 that lost its leading zeros.
    """
    labelled = _ISBN_LABEL.sub(" ", text)
    if short := _SHORT_ISBN.fullmatch(labelled):
        isbn = parse_isbn(short[1].rjust(10, "0"))
        return ([isbn] if isbn else []), text
    isbns: list[str] = []

    def take(match: re.Match[str]) -> str:
        isbn = parse_isbn(match[0])
        if isbn is None:
            return match[0]
        isbns.append(isbn)
        return " "

    rest = _ISBN_DIGITS.sub(take, labelled)
    return isbns, rest if isbns else text


def parse_isbn(text: str) -> str | None:
    """Return the ISBN-13 if the whole text is an ISBN in any spelling, else None."""
    try:
        return str(stdnum_isbn.validate(re.sub(r"[‐-―.\s]", "", text), convert=True))
    except ValidationError:
        return None
