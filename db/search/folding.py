"""Folding: words as the search documents have them, in lower case and without accents.

For Latin letters up to U+017F and those of other scripts this is the database function fold(), as a test
shows.
"""

import unicodedata

_LETTERS = str.maketrans(
    {"æ": "ae", "ð": "d", "ø": "o", "þ": "th", "ß": "ss", "đ": "d", "ħ": "h", "ı": "i", "ĸ": "q", "ł": "l",
     "ŉ": "'n", "ŋ": "n", "œ": "oe", "ŧ": "t", "ŀ": "l", "ſ": "s", "ς": "σ"}
)  # fmt: skip
_LATIN_AND_GREEK = (range(0x41, 0x250), range(0x300, 0x400))
"""Accents, and the letters that lose them. In other scripts they belong to the letter: й is not и."""


def fold(text: str) -> str:
    """Return the text in lower case and without accents."""
    lower = text.lower()
    return lower if lower.isascii() else "".join(map(_fold_letter, lower.translate(_LETTERS)))


def _fold_letter(letter: str) -> str:
    if letter == "ё":
        return "е"
    parts = unicodedata.normalize("NFKD", letter)
    if not any(ord(parts[0]) in codes for codes in _LATIN_AND_GREEK):
        return letter
    return "".join(part for part in parts if not unicodedata.combining(part))
