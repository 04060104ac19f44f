"""Convert author names of Project Gutenberg from inverted form ("Doyle, Arthur Conan, Sir") to direct order.

The inverted form is kept as the sort name. If its parts cannot be identified, it is used as the name too.
"""

import re

_MARKS = str.maketrans("", "", "\u200e\u200f")

# Written before the whole name: "Sir Arthur Conan Doyle", "Mrs. Humphry Ward", "Saint Thomas More".
_PREFIXES = frozenset(
    (
        *(
            "Sir",
            "Dame",
            "Lady",
            "Don",
            "Miss",
            "Mrs.",
            "Mme",
            "Mme.",
            "Fru",
            "Hon.",
            "Prof.",
            "Rev.",
            "Canon",
        ),
        *(
            "Bp.",
            "Saint",
            "Brother",
            "Captain",
            "Major",
            "Lieutenant",
            "Colonel",
            "Col.",
            "Prince",
            "Princess",
        ),
    )
)

# Titles of British peers and similar, placed before the family name: "William Thomson, Baron Kelvin".
_PEERAGE = frozenset(
    ("Baron", "Baroness", "Viscount", "Viscountess", "viscount", "Earl", "Count", "Countess")
)

# Titles that the direct form omits: "Leo Tolstoy", not "graf Leo Tolstoy".
_OMITTED_TITLES = frozenset(
    (
        *(
            "baron",
            "barone",
            "bart.",
            "comte",
            "comtesse",
            "conte",
            "contessa",
            "countess",
            "dame",
            "friherre",
        ),
        *(
            "friherrinna",
            "graf",
            "grafinia",
            "gróf",
            "Graf",
            "Gräfin",
            "grevinde",
            "hrabe",
            "hrabia",
            "kniaz",
        ),
        *("marquis", "marquise", "prince", "báró"),
    )
)

# After a title or given name that ends in one of these follows the family name: "marquis de" + "Massa".
_PARTICLES = frozenset(
    (
        *("of", "de", "d'", "di", "da", "do", "dos", "das", "du", "del", "della", "des", "von", "van", "der"),
        *("den", "zu", "zum", "zur", "af", "av", "ten", "ter", "te", "e", "la", "las", "los", "called"),
    )
)

# Matches a byname, which distinguishes people with only a first name: "Leonardo, da Vinci".
_BYNAME = re.compile(
    r"(?:of|à|a|de|da|di|du|von|van|ha)[ -]|the [A-Z]|d['’]"
    r"|(?:Anglicus|Aquinas|Balbulus|Catalani|Grammaticus|Rhodius|Siculus|Smyrnaeus|\w+ensis)$"
)

_NUMERAL = re.compile(r"[IVX]+")
_ORDINAL = re.compile(r"\d+(?:st|nd|rd|th) ")
_DATES = re.compile(r"(?:active|approximately|jin shi|ju ren)\b")
_TITLE = re.compile(
    r"(?:(?:l')?[Aa]bb[ée]|père|lieutenant-colonel|baron|chevalier|comte|comtesse|march?esa|marquise?|vicomte)\b"
)
_OFFICE = re.compile(r"\w{3,}\. ")


def direct_order_name(name: str) -> str:
    """Return the name with the given name first, without dates and parenthesised expansions."""
    plain_name = _strip_parentheses(name)
    first, *parts = [part.strip() for part in plain_name.split(",")]
    other_parts = [part for part in parts if part and not _DATES.match(part)]
    if not first or _is_organisation(first, other_parts, plain_name):
        return name
    if not other_parts:
        return first if any(parts) else name
    given, *later_parts = other_parts
    if given in _PARTICLES:
        return name
    if _BYNAME.match(given):
        return _arrange_parts(f"{first} {given}", "", first, later_parts)
    if " of " in given or _is_epithet(given):
        return _arrange_parts(first, "", first, other_parts)
    return _arrange_parts(given, first, first, later_parts)


def clean_name(name: str) -> str:
    """Return the inverted form without surplus white space and marks of writing direction."""
    return " ".join(name.translate(_MARKS).split())


def _is_organisation(first: str, other_parts: list[str], name: str) -> bool:
    """Return whether this is an office, company or society, whose name is not inverted."""
    if (
        "&" in name
        or _OFFICE.search(first)
        or any(part.startswith("and ") or " and " in part for part in other_parts)
    ):
        return True
    if any(part.lower().endswith((" company", " association", " library")) for part in (first, *other_parts)):
        return True
    return " and " in first and not any(_ends_in_particle(part) or part in _PEERAGE for part in other_parts)


def _is_epithet(given: str) -> bool:
    """Return whether this part describes a person with only one name: "Labat, maître d'armes"."""
    if given[0] == "[":
        return True
    if not given[0].islower() or given.split()[0] in _PARTICLES:
        return False
    return not _TITLE.match(given) or (" " in given and not _ends_in_particle(given))


def _ends_in_particle(part: str) -> bool:
    """Return whether this part ends in a particle, so the family name follows it."""
    return part.split()[-1] in _PARTICLES or part.endswith(("d'", "d’", "l'", "-"))


def _arrange_parts(given: str, surname: str, first: str, parts: list[str]) -> str:
    """Return the full name: each part after the second comma is placed before it, after it, or omitted."""
    before: list[str] = []
    after: list[str] = []
    numeral = ""
    for part in parts:
        if part in _PREFIXES:
            before.append(part)
        elif part == "Lord":
            if " " in given:  # a peer or a younger son: "Henry Home, Lord Kames", "Lord Frederic Hamilton"
                return ", ".join([first, given, *parts])
            before.append(part)
        elif _ends_in_particle(part) or _ORDINAL.sub("", part) in _PEERAGE:
            given, surname = _strip_particles(given, surname), ""
            after.append(_join(part, first))
        elif _NUMERAL.fullmatch(part):
            numeral = f" {part}"
        elif part not in _OMITTED_TITLES:
            after.append(part)
    spoken = _join(given, surname) if surname else given
    return ", ".join([" ".join([*before, spoken]) + numeral, *after])


def _strip_particles(given: str, surname: str) -> str:
    words = given.split()
    while surname and len(words) > 1 and words[-1] in _PARTICLES:
        words.pop()
    return " ".join(words)


def _join(before: str, surname: str) -> str:
    glued = before.endswith((" d'", " d’", " l'", "-")) or before in ("d'", "d’")
    return f"{before}{surname}" if glued else f"{before} {surname}"


def _strip_parentheses(name: str) -> str:
    """Return the text outside of parentheses, which may be nested."""
    depth = 0
    kept: list[str] = []
    for character in name:
        depth += character == "("
        if depth == 0:
            kept.append(character)
        depth -= character == ")" and depth > 0
    return " ".join("".join(kept).split()).replace(" ,", ",")
