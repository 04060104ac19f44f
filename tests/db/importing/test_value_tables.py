"""The tables of docs/import-values.md are true: each cell is read as they say."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from db.connections.connect import Connection
from db.importing import field_parsers
from db.importing.field_parsers import FieldError, PeopleStyle
from db.importing.readers.flat import CellStyle, FlatRecordParser
from db.importing.records import AuthorRecord, BookRecord, Reject

DOCS = Path(__file__).parents[3] / "docs" / "import-values.md"
STYLES = {
    "": PeopleStyle(),
    "Last, First": PeopleStyle(commas="inverted"),
    "A, B": PeopleStyle(commas="names"),
}


def read_row(field: str, cell: str, style: CellStyle) -> BookRecord:
    """Return the row of a book with a key and this cell. Raise FieldError if the cell is refused."""
    book, *rejects = FlatRecordParser(("source_id", field), style).parse(1, ("1", cell))
    assert isinstance(book, BookRecord)
    for reject in rejects:
        assert isinstance(reject, Reject)
        raise FieldError(reject.field, reject.value, reject.reason.removesuffix("; imported without it"))
    return book


def read_price(cell: str, known: str) -> str:
    mark = {"": "", "decimal comma": ",", "decimal point": "."}[known]
    amount, currency = field_parsers.parse_price(cell, "", "EUR", mark)  # type: ignore[arg-type]
    return f"{amount} {currency}" if amount is not None else "nothing"


def read_published(cell: str, known: str) -> str:
    year, day = field_parsers.parse_published(cell, known)  # type: ignore[arg-type]
    return str(day or year or "nothing")


def read_isbn(cell: str, known: str) -> str:
    return field_parsers.parse_isbn(cell, restore_zeros=known != "other numbers") or "nothing"


def read_people(cell: str, known: str) -> str:
    people = read_row("authors", cell, CellStyle(people=STYLES[known])).authors
    return "; ".join(map(describe_person, people)) or "nothing"


def describe_person(person: AuthorRecord) -> str:
    years = f", {person.birth_year or ''}–{person.death_year or ''}" if person.birth_year else ""
    role = "" if person.role == "AUTHOR" else f" ({person.role.lower()})"
    return f"{person.name}{role}{years} [{person.sort_name or person.name}]"


def read_language(cell: str, known: str) -> str:
    return field_parsers.parse_language(cell) or "nothing"


def read_categories(cell: str, known: str) -> str:
    paths = read_row("categories", cell, CellStyle(category_separator=known)).categories
    return "; ".join(map(" > ".join, paths)) or "nothing"


def read_series(cell: str, known: str) -> str:
    return " / ".join(filter(None, field_parsers.parse_series(cell, ""))) or "nothing"


def read_title(cell: str, known: str) -> str:
    return field_parsers.parse_title(cell) or "nothing"


def read_description(cell: str, known: str) -> str:
    return (field_parsers.parse_description(cell) or "nothing").replace("\n", "\\n")


def read_number(cell: str, known: str) -> str:
    number = field_parsers.parse_stock(cell) if known == "stock" else field_parsers.parse_pages(cell)
    return "nothing" if number is None else str(number)


READERS: dict[str, Callable[[str, str], str]] = {
    "Prices": read_price,
    "Publication dates": read_published,
    "ISBNs": read_isbn,
    "People": read_people,
    "Languages": read_language,
    "Categories": read_categories,
    "Series": read_series,
    "Titles": read_title,
    "Descriptions": read_description,
    "Whole numbers": read_number,
}


def table_rows() -> Iterator[tuple[str, str, str, str]]:
    for section in DOCS.read_text(encoding="utf-8").split("\n## ")[1:]:
        title = section.partition("\n")[0]
        for cell, known, result in re.findall(r"^\| `(.+?)` \| (.*?) ?\| (.+) \|$", section, re.MULTILINE):
            yield title, cell.replace("\\|", "|").replace("\\n", "\n"), known, result.replace("\\|", "|")


EQUAL_NAMES = "Equal names"
ROWS = list(table_rows())


@pytest.mark.parametrize(("title", "cell", "known", "result"), [row for row in ROWS if row[0] != EQUAL_NAMES])
def test_a_cell_is_read_as_documented(title: str, cell: str, known: str, result: str) -> None:
    try:
        found = READERS[title](cell, known)
    except FieldError as error:
        found = f"refused: {error.reason}"

    assert found == result


@pytest.mark.parametrize(("name", "other", "slugs"), [row[1:] for row in ROWS if row[0] == EQUAL_NAMES])
async def test_names_are_equal_as_documented(
    connection: Connection, name: str, other: str, slugs: str
) -> None:
    found = await connection.fetchrow("SELECT slug($1::text), slug($2::text)", name, other)

    assert found is not None
    assert " and ".join(dict.fromkeys(found)) == slugs


def test_every_reader_has_a_table() -> None:
    assert {title for title, *_ in ROWS} == {*READERS, EQUAL_NAMES}
