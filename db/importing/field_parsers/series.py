"""Parse the series of a book and its position there."""

import re

from db.constraints import MAX_NAME_LENGTH, MAX_SERIES_POSITION_LENGTH
from db.importing.field_parsers.errors import FieldError
from db.importing.field_parsers.formulas import refuse_formula
from db.importing.field_parsers.placeholders import is_placeholder
from db.importing.field_parsers.texts import decode_entities, parse_single_line

# "Discworld, #1; Rincewind #1" and "Dark-Hunter #5, Were-Hunter #1" name two series.
_NUMBERED = re.compile(r"(?:includes:\s*)?([^#;]*[^#;,\s])[,\s]*#\s*([0-9][^;]*)", re.IGNORECASE)
_NEXT_SERIES = re.compile(r",\s*[^\W\d][^#]*#.*")
# Programs with a column of numbers write "1.0".
_WHOLE_NUMBER = re.compile(r"([0-9]+)\.0+")


def find_numbered_series(text: str) -> tuple[str, str]:
    """Return the first series of a text such as "Discworld, #1; Rincewind #1", and the position there.

    Both are empty if the text has no number behind a "#".
    """
    match = _NUMBERED.match(text.strip())
    if match is None:
        return "", ""
    position = _NEXT_SERIES.sub("", match[2]).replace("#", "")
    return match[1].strip(), " ".join(position.split())


def parse_series(name: str, position: str, *, literal: bool = False) -> tuple[str | None, str | None]:
    """Return the name and the position. A placeholder is None, unless texts are taken as they are."""
    if literal:
        return _pair(parse_single_line("series", name, MAX_NAME_LENGTH), position)
    series = parse_single_line("series", decode_entities(name), MAX_NAME_LENGTH)
    refuse_formula("series", series)
    refuse_formula("series_position", position)
    if is_placeholder(position):
        found, position = find_numbered_series(series)
        series = found or series
    position = position.strip().lstrip("#")
    whole = _WHOLE_NUMBER.fullmatch(position)
    return _pair("" if is_placeholder(series) else series, whole[1] if whole else position)


def _pair(series: str, text: str) -> tuple[str | None, str | None]:
    """Return the name and the position. An invalid position does not cost the name."""
    try:
        position = parse_single_line("series_position", text, MAX_SERIES_POSITION_LENGTH)
    except FieldError as error:
        error.kept = series
        error.reason += f"; imported {'with the series alone' if series else 'without it'}"
        raise
    if position and not series:
        raise FieldError("series_position", position, "a position, but no series; write both, or neither")
    return series or None, position or None
