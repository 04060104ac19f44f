"""Folding: words as the search documents have them, in lower case and without accents.

For Latin letters up to U+017F, Greek and Cyrillic this is the database function fold(), as a test shows.
"""

import unicodedata

_LETTERS = str.maketrans(
    {"æ": "ae", "ð": "d", "ø": "o", "þ": "th", "ß": "ss", "đ": "d", "ħ": "h", "ı": "i", "ĸ": "q", "ł": "l",
     "ŉ": "'n", "ŋ": "n", "œ": "oe", "ŧ": "t", "ŀ": "l", "ſ": "s", "ς": "σ"}
)  # fmt: skip
_CYRILLIC = range(0x400, 0x530)  # й is no и


def fold(text: str) -> str:
    """Return the text in lower case and without accents."""
    lower = text.lower()
    return lower if lower.isascii() else "".join(map(_fold_letter, lower.translate(_LETTERS)))


def _fold_letter(letter: str) -> str:
    if ord(letter) in _CYRILLIC and letter != "ё":
        return letter
    return "".join(part for part in unicodedata.normalize("NFKD", letter) if not unicodedata.combining(part))
