"""Parse the people of a book: names in either order, roles, years of life, several in one cell."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from db.constraints import MAX_NAME_LENGTH
from db.importing.field_parsers.categories import read_list
from db.importing.field_parsers.errors import FieldError
from db.importing.field_parsers.placeholders import is_placeholder
from db.importing.field_parsers.roles import find_roles, split_leading_role
from db.importing.field_parsers.sort_names import derive_sort_name, is_suffix, restore_direct_order
from db.importing.field_parsers.texts import decode_entities, parse_single_line
from db.importing.records import AuthorRecord

_MAX_AUTHORS = 1_000

Commas = Literal["", "names", "inverted"]
"""What a comma does in a column: separate names, or a family name from a given name; "" if it does not tell."""


@dataclass(frozen=True, slots=True)
class PeopleStyle:
    """How a column writes several people. `separator` alone separates them if it is given."""

    separator: str = ""
    commas: Commas = ""


_ANY_STYLE = PeopleStyle()

_HARD = re.compile(r"[;|\n\t]| • ")
_SLASH = re.compile(r"\s*/\s*")
_AND = re.compile(r",?\s+(?:&|and|und|et|y)\s+|\s*&\s*(?=\S+ \S)")
_ET_AL = re.compile(
    r"[,;]?\s*(?:[\[(]?\bet\.? ?al(?:ii|\.)?[\])]?|\bu\. ?a\.|(?:\.\.\.|…)?\s*[\[(]?and \d+ (?:others|more)[\])]?|\band others)\s*$",
    re.IGNORECASE,
)
_LIFE = re.compile(
    r"[, ]*[(\[]?\b(?:c\. ?|ca\. ?|b\. ?|born |\*|geb\. )?(\d{3,4})\??(?:\s*[-–—]\s*(?:c\. ?|ca\. ?)?(\d{3,4})?\??)[)\]]?\.?$"
    r"|[, ]*[(\[]?(?:b\. ?|born |\*|geb\. )(\d{3,4})[)\]]?$"
)
_BRACKETS = re.compile(r"\s*[\[(]([^\[\]()]*)[\])]$")
_FULLER_FORM = re.compile(r"\s*\([A-Z][^()]*\)$")
# Without one of these a cell is one name.
_SPECIAL = re.compile(r"[;|\n\t•/&,(\[…0-9]|\.\.\.| (?:and|und|et|y|by|von|par|por|de) ")


def parse_people(cell: str, style: PeopleStyle = _ANY_STYLE) -> tuple[AuthorRecord, ...]:
    """Return the people of a cell, in order, each at most once in each role. Placeholders are nobody."""
    cell = decode_entities(cell)
    if not _SPECIAL.search(cell) and not (style.separator and style.separator in cell):
        person = _parse_name(cell)
        return (person,) if person else ()
    if not style.separator and cell.endswith(")") and (person := _parse_name_and_role(cell)):
        return (person,)
    people: list[AuthorRecord] = []
    for piece in _split_people(cell, style):
        people.extend(_parse_person(piece, style))
    return deduplicate_authors(people)


def _parse_name_and_role(text: str) -> AuthorRecord | None:
    """Parse the usual "Jane Doe (translator)", or return None."""
    before, _, last = text[:-1].rpartition(" (")
    roles = find_roles(last)
    return (
        _parse_name(before, roles[0]) if len(roles) == 1 and before and not _SPECIAL.search(before) else None
    )


def _parse_name(text: str, role: str = "AUTHOR") -> AuthorRecord | None:
    """Parse a name without role, comma and years."""
    name = parse_single_line("authors", text, MAX_NAME_LENGTH)
    if not name or (len(name) < 20 and is_placeholder(name)):
        return None
    return AuthorRecord(name, role, sort_name=derive_sort_name(name))


def parse_author(text: str) -> AuthorRecord | None:
    """Parse one name, with its role and years of life if they are given."""
    if not _SPECIAL.search(text):
        return _parse_name(text)
    return next(iter(_parse_person(text, PeopleStyle(commas="inverted"))), None)


def parse_literal_people(cell: str) -> tuple[AuthorRecord, ...]:
    """Return the people of a cell as an export writes it: names and roles, separated by ";" alone."""
    people: list[AuthorRecord] = []
    for piece in cell.split(";"):
        name = parse_single_line("authors", piece, MAX_NAME_LENGTH)
        brackets = _BRACKETS.search(name)
        roles = find_roles(brackets[1]) if brackets and name.endswith(")") else ()
        if brackets and roles and brackets.start():
            people.append(AuthorRecord(name[: brackets.start()], roles[0]))
        elif name:
            people.append(AuthorRecord(name))
    return deduplicate_authors(people)


def _split_people(cell: str, style: PeopleStyle) -> list[str]:
    if style.separator:
        return [part for part in cell.split(style.separator) if part.strip()]
    if (names := read_list(cell)) is not None:
        return names
    pieces: list[str] = []
    for hard in _HARD.split(cell):
        text = _ET_AL.sub("", hard.strip())
        for slash in _split_if_full_names(_SLASH, text):
            parts = _split_if_full_names(_AND, slash)
            for part in parts:
                pieces.extend(_split_at_commas(part, style, in_list=len(parts) > 1))
    return [piece for piece in pieces if piece.strip()]


def _split_if_full_names(pattern: re.Pattern[str], text: str) -> list[str]:
    """Split the text if each part has two words: "Jane Doe & John Roe", but not "Smith & Sons"."""
    parts = [part for part in pattern.split(text) if part.strip()]
    return parts if len(parts) > 1 and all(len(part.split()) > 1 for part in parts) else [text]


def _split_at_commas(text: str, style: PeopleStyle, *, in_list: bool) -> list[str]:
    """Split names that commas separate. Suffixes, roles and years of life stay with their name."""
    if "," not in text or style.commas == "inverted":
        return [text]
    names: list[str] = []
    for part in _comma_parts(text):
        if names and (is_suffix(part) or find_roles(part) or _LIFE.fullmatch(part)):
            names[-1] += f", {part}"
        else:
            names.append(part)
    if len(names) > 1 and (style.commas == "names" or in_list or _are_full_names(names)):
        return names
    return [text]


def _comma_parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _are_full_names(parts: list[str]) -> bool:
    """Return whether each part has at least two words that are no initials: "Jane Doe", not "J. R. R."."""
    return all(
        sum(len(word.strip(".")) > 1 for word in part.split()) >= 2 or _begins_with_initials(part)
        for part in parts
    )


def _begins_with_initials(part: str) -> bool:
    """Return whether initials precede a name: "J.K. Rowling"."""
    words = part.split()
    return len(words) > 1 and "." in words[0] and len(words[-1].strip(".")) > 2


def _parse_person(text: str, style: PeopleStyle) -> list[AuthorRecord]:
    """Return a person once for each of his roles."""
    name = parse_single_line("authors", _ET_AL.sub("", text.strip()), MAX_NAME_LENGTH)
    role, name = split_leading_role(name)
    name, roles = _take_roles(name)
    name, birth, death = _take_life_years(name)
    if not roles:
        name, roles = _take_roles(name)
    if not name or is_placeholder(name):
        return []
    name, sort_name = _order_name(name, style)
    return [
        AuthorRecord(name, each, sort_name=sort_name, birth_year=birth, death_year=death)
        for each in roles or ((role,) if role else ("AUTHOR",))
    ]


def _order_name(name: str, style: PeopleStyle) -> tuple[str, str | None]:
    """Return the name in direct order and in the order of sorting."""
    parts = _comma_parts(name)
    if len(parts) < 2 or style.commas == "names":
        return name, derive_sort_name(name)
    if all(map(is_suffix, parts[1:])):
        return name, derive_sort_name(" ".join(parts))
    parts[1:] = [_FULLER_FORM.sub("", part) for part in parts[1:]]
    if len(parts) == 2 or all(map(is_suffix, parts[2:])):
        return restore_direct_order(parts), ", ".join(parts)
    return name, None


def _take_roles(name: str) -> tuple[str, tuple[str, ...]]:
    """Split off roles in brackets or behind a comma: "A. Meier (Hrsg.)", "Jane Doe, translator"."""
    if (match := _BRACKETS.search(name)) and match.start() and (roles := find_roles(match[1])):
        return name[: match.start()].rstrip(" ,"), roles
    before, comma, last = name.rpartition(",")
    if comma and before.strip() and (roles := find_roles(last.strip("[]() "))):
        return before.strip(), roles
    return name, ()


def _take_life_years(name: str) -> tuple[str, int | None, int | None]:
    match = _LIFE.search(name)
    if match is None or not match.start():
        return name, None, None
    birth, death = match[1] or match[3], match[2]
    years = int(birth) if birth else None, int(death) if death else None
    if years[0] and years[1] and years[0] > years[1]:
        return name, None, None
    return name[: match.start()].rstrip(" ,"), *years


def check_life_years(field: str, birth: int | None, death: int | None) -> tuple[int | None, int | None]:
    if birth is not None and death is not None and birth > death:
        raise FieldError(field, f"{birth} to {death}", "death before birth; correct one of the years")
    return birth, death


def deduplicate_authors(authors: list[AuthorRecord]) -> tuple[AuthorRecord, ...]:
    """Return the authors in order, each person at most once per role."""
    if len(authors) < 2:
        return tuple(authors)
    unique: dict[tuple[str, str], AuthorRecord] = {}
    for person in authors:
        unique.setdefault((person.source_id or person.name, person.role), person)
    if len(unique) > _MAX_AUTHORS:
        raise FieldError("authors", authors[0].name, f"{len(unique):,} authors; {_MAX_AUTHORS:,} are allowed")
    return tuple(unique.values())


def apply_sort_names(people: tuple[AuthorRecord, ...], cell: str) -> tuple[AuthorRecord, ...]:
    """Return the people with the sort names of a cell: one for each person, separated by ";" or "&"."""
    names = [part.strip() for part in re.split("[;&]", decode_entities(cell)) if part.strip()]
    if len(names) != len({person.name for person in people}):
        reason = f"{len(names)} sort names for {len(people)} people; separate them with ;"
        raise FieldError("author_sort", cell, reason)
    by_name = dict(zip(dict.fromkeys(person.name for person in people), names, strict=True))
    return tuple(
        replace(person, sort_name=parse_single_line("author_sort", by_name[person.name], MAX_NAME_LENGTH))
        for person in people
    )


def find_commas(cells: Iterable[str]) -> Commas:
    """Return what the commas of a column do, or "" if its cells do not tell."""
    names = inverted = 0
    for cell in cells:
        for piece in _HARD.split(decode_entities(cell)):
            parts = [part for part in _comma_parts(_take_life_years(piece.strip())[0]) if not is_suffix(part)]
            if len(parts) > 1 and _are_full_names(parts):
                names += 1
            elif len(parts) == 2 and len(parts[0].split()) == 1:
                inverted += 1
    if names > inverted:
        return "names"
    return "inverted" if inverted > names else ""
