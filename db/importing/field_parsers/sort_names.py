"""Convert names of people between direct order ("Jane Doe") and the order of sorting ("Doe, Jane")."""

import re

_SUFFIXES = frozenset(("jr", "sr", "ii", "iii", "iv", "md", "phd", "esq", "dds"))
# They follow the given name when names are sorted: "Goethe, Johann Wolfgang von".
_TRAILING_PARTICLES = frozenset(
    (
        *(
            "von",
            "van",
            "de",
            "der",
            "den",
            "del",
            "della",
            "di",
            "da",
            "das",
            "do",
            "dos",
            "d'",
            "ten",
            "ter",
        ),
        *("te", "zu", "zur", "af", "av"),
    )
)
# They stay with the family name: "Du Maurier, Daphne", "Le Guin, Ursula K.".
_LEADING_PARTICLES = _TRAILING_PARTICLES | frozenset(
    (
        *("du", "des", "le", "la", "les", "lo", "los", "las", "el", "al", "mac", "mc", "st", "st.", "saint"),
        *("san", "santa", "o'"),
    )
)
# Words and marks of organisations, and of names that are not inverted.
_NO_PERSON = frozenset(
    (
        *(
            "of",
            "the",
            "and",
            "und",
            "et",
            "ibn",
            "bin",
            "bint",
            "abu",
            "verlag",
            "press",
            "inc",
            "ltd",
            "llc",
        ),
        *("gmbh", "ag", "society", "university", "universität", "université", "universidad", "institute"),
        *("institut", "museum", "team", "group", "company", "association", "ministry", "department", "staff"),
        *("committee", "editors", "edition", "editions", "studio", "studios", "publishing", "publishers"),
        *("foundation", "council", "church", "library", "academy", "bureau", "office", "center", "centre"),
        *("anonymous", "anonym", "various", "diverse"),
    )
)
_NO_SIMPLE_NAME = _NO_PERSON | _SUFFIXES
_NO_PERSON_MARKS = re.compile(r"[0-9&+/@#:;(,]")
# Scripts in which the family name comes first, and needs no comma.
_FAMILY_NAME_FIRST = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


def is_suffix(text: str) -> bool:
    """Return whether the text follows a name: "Jr.", "III", "PhD"."""
    return text.casefold().replace(".", "") in _SUFFIXES


def derive_sort_name(name: str) -> str | None:
    """Return the name in the order of sorting, or None if it is the name itself.

    Organisations, names of one word, names with "of" or "ibn", and names in Chinese, Japanese or Korean script
    are sorted as they are written.
    """
    given, _, family = name.partition(" ")
    if (
        given.isalpha()
        and family.isalpha()
        and given.lower() not in _NO_SIMPLE_NAME
        and family.lower() not in _NO_SIMPLE_NAME
        and (name.isascii() or not _FAMILY_NAME_FIRST.search(name))
    ):
        return f"{family}, {given}"
    words = name.split()
    if len(words) < 2 or _NO_PERSON_MARKS.search(name):
        return None
    if not _NO_PERSON.isdisjoint(name.casefold().replace(".", "").split()):
        return None
    if not name.isascii() and _FAMILY_NAME_FIRST.search(name):
        return None
    suffixes: list[str] = []
    while len(words) > 2 and is_suffix(words[-1]):
        suffixes.insert(0, words.pop())
    start = _family_name_start(words)
    if start == 0:
        return None
    particles_end = start
    while particles_end < len(words) - 1 and words[particles_end] in _TRAILING_PARTICLES:
        particles_end += 1
    given = [*words[:start], *words[start:particles_end]]
    family = " ".join(words[particles_end:])
    return ", ".join([family[0].upper() + family[1:], " ".join(given), *suffixes])


def _family_name_start(words: list[str]) -> int:
    """Return the index of the first word of the family name: its particles, then the last word."""
    start = len(words) - 1
    while start > 1 and words[start - 1].casefold() in _LEADING_PARTICLES:
        start -= 1
    return start


def restore_direct_order(parts: list[str]) -> str:
    """Return the name in direct order: ["Kafka", "Franz"], or with suffixes ["King", "Martin Luther", "Jr."]."""
    family, given, *rest = parts
    return " ".join((given, family, *rest)).replace("' ", "'") if family else given
