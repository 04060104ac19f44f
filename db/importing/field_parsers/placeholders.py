"""Texts that people and programs write in place of a missing value."""

_PLACEHOLDERS = frozenset(
    (
        *("n/a", "n.a.", "na", "n. a.", "#n/a", "#na", "#ref!", "#value!", "#name?", "#null!"),
        *("null", "(null)", "nil", "none", "nan", "undefined", "unknown", "not available", "not applicable"),
        *("tbd", "tba", "tbc", "missing", "empty", "blank", "unspecified", "\\n"),
        *("unbekannt", "k.a.", "k. a.", "keine angabe", "inconnu", "inconnue", "desconocido", "desconocida"),
        *("sconosciuto", "desconhecido", "onbekend", "s/d", "s. d.", "s.d."),
    )
)
# A title may be "None", "Unknown" or "NA"; these are what programs write.
_TITLE_PLACEHOLDERS = frozenset(("n/a", "#n/a", "null", "(null)", "#ref!", "#value!", "#name?", "\\n"))

_INVISIBLE = dict.fromkeys(
    (*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2065), *range(0x2066, 0x206A), 0xFEFF)
)


def strip_invisible(text: str) -> str:
    """Return the text without zero-width characters and marks of direction, and trimmed."""
    return (text if text.isascii() else text.translate(_INVISIBLE)).strip()


def is_placeholder(text: str) -> bool:
    """Return whether the text says nothing: blank, marks alone, or a word such as "n/a"."""
    if text[:1].isalnum() and (text.isascii() or text[-1:].isalnum()):
        return text.casefold().rstrip() in _PLACEHOLDERS
    value = strip_invisible(text).casefold()
    return value in _PLACEHOLDERS or not any(map(str.isalnum, value))


def is_title_placeholder(text: str) -> bool:
    """Return whether a title says nothing. Marks such as "?" and words such as "None" are titles."""
    value = strip_invisible(text).casefold()
    return value in _TITLE_PLACEHOLDERS or not value.strip("-–—_")
