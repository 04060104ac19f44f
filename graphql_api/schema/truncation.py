"""Shortening of a text for lists and cards, between words and never inside a letter."""

from itertools import takewhile
from unicodedata import category

ELLIPSIS = "…"
_TRAILING = " \t\n\r\f\v.,;:–—-"
_ZERO_WIDTH_JOINER = "\u200d"


def truncate_text(text: str, length: int) -> str:
    """Return the text, or if it has more than `length` characters (code points) its start and an ellipsis.

    The ellipsis is counted. The cut is between words. If the last gap between words is in the first half, as
    in Chinese, it is between letters: a letter keeps its marks, and an emoji its parts.
    """
    if len(text) <= length:
        return text
    end = length - len(ELLIPSIS)
    word_end = end if text[end].isspace() else _last_space(text, end)
    if word_end * 2 < end:
        word_end = _letter_end(text, end)
    return text[:word_end].rstrip(_TRAILING) + ELLIPSIS


def _last_space(text: str, end: int) -> int:
    """Return the position of the last white space before the end, or 0."""
    return next((index for index in range(end - 1, 0, -1) if text[index].isspace()), 0)


def _letter_end(text: str, end: int) -> int:
    """Return the last position up to the end that is not inside a letter, an emoji or a flag."""
    while end > 0 and (_continues_letter(text[end]) or text[end - 1] == _ZERO_WIDTH_JOINER):
        end -= 1
    if end > 0 and _is_regional_indicator(text[end]):
        before = sum(1 for _ in takewhile(_is_regional_indicator, reversed(text[:end])))
        end -= before % 2
    return end


def _continues_letter(character: str) -> bool:
    """Return whether a character belongs to the one before it: a mark, a joiner, a skin tone or a tag."""
    return (
        category(character).startswith("M")
        or character == _ZERO_WIDTH_JOINER
        or "\U0001f3fb" <= character <= "\U0001f3ff"
        or "\U000e0020" <= character <= "\U000e007f"
    )


def _is_regional_indicator(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"
