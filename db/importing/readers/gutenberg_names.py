"""Author names of Project Gutenberg: from the library's form ("Doyle, Arthur Conan, Sir") to the spoken one.

The library's form stays as the sort name. Where it cannot be told which part is what, it is the name too.
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

# Titles of British peers and their like, written before what stands first: "William Thomson, Baron Kelvin".
_PEERAGE = frozenset(
    ("Baron", "Baroness", "Viscount", "Viscountess", "viscount", "Earl", "Count", "Countess")
)

# Titles that the spoken name does without: "Leo Tolstoy", not "graf Leo Tolstoy".
_UNSPOKEN = frozenset(
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

# A title or a given name that ends so goes on with what stands first: "marquis de" + "Massa".
_PARTICLES = frozenset(
    (
        *("of", "de", "d'", "di", "da", "do", "dos", "das", "du", "del", "della", "des", "von", "van", "der"),
        *("den", "zu", "zum", "zur", "af", "av", "ten", "ter", "te", "e", "la", "las", "los", "called"),
    )
)

# With these begins what tells one bearer of a first name from others: "Leonardo, da Vinci".
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


def spoken_name(name: str) -> str:
    """The name as one says it: given name first, dates and parenthesised expansions left out."""
    outside = _without_parentheses(name)
    first, *parts = [part.strip() for part in outside.split(",")]
    others = [part for part in parts if part and not _DATES.match(part)]
    if not first or _is_a_body(first, others, outside):
        return name
    if not others:
        return first if any(parts) else name
    given, *rest = others
    if given in _PARTICLES:
        return name
    if _BYNAME.match(given):
        return _with_rest(f"{first} {given}", "", first, rest)
    if " of " in given or _stays_behind(given):
        return _with_rest(first, "", first, others)
    return _with_rest(given, first, first, rest)


def clean_name(name: str) -> str:
    """The library's form without stray white space and marks of writing direction."""
    return " ".join(name.translate(_MARKS).split())


def _is_a_body(first: str, others: list[str], name: str) -> bool:
    """Whether this is an office, a company or a society, whose commas do not invert anything."""
    if (
        "&" in name
        or _OFFICE.search(first)
        or any(part.startswith("and ") or " and " in part for part in others)
    ):
        return True
    if any(part.lower().endswith((" company", " association", " library")) for part in (first, *others)):
        return True
    return " and " in first and not any(_continues(part) or part in _PEERAGE for part in others)


def _stays_behind(given: str) -> bool:
    """Whether this describes a person that has only one name: "Labat, maître d'armes"."""
    if given[0] == "[":
        return True
    if not given[0].islower() or given.split()[0] in _PARTICLES:
        return False
    return not _TITLE.match(given) or (" " in given and not _continues(given))


def _continues(part: str) -> bool:
    """Whether what stands first in the library's form is the end of this part."""
    return part.split()[-1] in _PARTICLES or part.endswith(("d'", "d’", "l'", "-"))


def _with_rest(given: str, surname: str, first: str, rest: list[str]) -> str:
    """The name with what stands behind the second comma before it, behind it, or not at all."""
    before: list[str] = []
    behind: list[str] = []
    numeral = ""
    for part in rest:
        if part in _PREFIXES:
            before.append(part)
        elif part == "Lord":
            if " " in given:  # a peer or a younger son: "Henry Home, Lord Kames", "Lord Frederic Hamilton"
                return ", ".join([first, given, *rest])
            before.append(part)
        elif _continues(part) or _ORDINAL.sub("", part) in _PEERAGE:
            given, surname = _without_particle(given, surname), ""
            behind.append(_joined(part, first))
        elif _NUMERAL.fullmatch(part):
            numeral = f" {part}"
        elif part not in _UNSPOKEN:
            behind.append(part)
    spoken = _joined(given, surname) if surname else given
    return ", ".join([" ".join([*before, spoken]) + numeral, *behind])


def _without_particle(given: str, surname: str) -> str:
    words = given.split()
    while surname and len(words) > 1 and words[-1] in _PARTICLES:
        words.pop()
    return " ".join(words)


def _joined(before: str, surname: str) -> str:
    glued = before.endswith((" d'", " d’", " l'", "-")) or before in ("d'", "d’")
    return f"{before}{surname}" if glued else f"{before} {surname}"


def _without_parentheses(name: str) -> str:
    """What stands outside of parentheses, however deep they nest."""
    depth = 0
    kept: list[str] = []
    for character in name:
        depth += character == "("
        if depth == 0:
            kept.append(character)
        depth -= character == ")" and depth > 0
    return " ".join("".join(kept).split()).replace(" ,", ",")
