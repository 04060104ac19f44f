"""A corrected rejects file and a corrected source give the same catalog.

Of "05/06/1999" the year is imported, which an empty cell leaves as it is: a correct row always has a date.
"""

import csv
import io
from dataclasses import dataclass
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from db.importing.importer import Summary, import_feed
from db.importing.readers import open_feed
from tests.db.importing.feeds import Catalog

HEADINGS = ("Nr", "isbn", "title", "pages", "price", "published", "authors", "description", "note")
ISBNS = ("9780306406157", "9780306406164", "9780199535811", "9780143058144", "9780140449266", "")
BAD_CELLS = {
    "isbn": ("9780306406158", "9.78031E+12"),
    "title": ("",),
    "pages": ("many", "-7"),
    "price": ("dear", "-1 €"),
    "published": ("18--", "05/06/1999"),
}
STRUCTURES = ("short", "long", "open quote")


@dataclass(frozen=True)
class Row:
    """A correct row, and what is wrong with it in the source: cells, its structure, or that it repeats a key."""

    cells: dict[str, str]
    bad_cells: dict[str, str]
    structure: str
    repeats: bool


def bad_cells() -> st.SearchStrategy[dict[str, str]]:
    columns = st.lists(st.sampled_from(sorted(BAD_CELLS)), max_size=2, unique=True)
    return columns.flatmap(
        lambda names: st.fixed_dictionaries({name: st.sampled_from(BAD_CELLS[name]) for name in names})
    )


TEXTS = st.text(st.sampled_from("aé;,|\"' \n\t1"), max_size=8)
ROWS = st.builds(
    Row,
    st.fixed_dictionaries(
        {
            "title": st.sampled_from(["Emma", "Nana; a, b", 'The "Sea"', "Zwei\nZeilen"]),
            "pages": st.sampled_from(["", "12", "320 p."]),
            "price": st.sampled_from(["", "7,90 €", "1.250 €", "5 USD"]),
            "published": st.sampled_from(["1999", "31.12.1999"]),
            "authors": st.sampled_from(["", "Zola, Émile", "García Márquez, Gabriel"]),
            "description": TEXTS,
            "note": TEXTS,
        }
    ),
    bad_cells(),
    st.sampled_from(["", "", "", *STRUCTURES]),
    st.booleans(),
)
FIRST = Row(
    {
        "title": "First",
        "pages": "1",
        "price": "12,50 €",
        "published": "1813",
        "authors": "Austen, Jane",
    },
    {},
    "",
    False,
)


def number_rows(rows: list[Row]) -> list[dict[str, str]]:
    """Return the correct cells of the rows, with a key and perhaps an ISBN."""
    return [
        dict.fromkeys(HEADINGS, "") | row.cells | {"Nr": f"k{number}", "isbn": isbn}
        for number, (row, isbn) in enumerate(zip(rows, ISBNS, strict=False))
    ]


def format_line(cells: list[str], delimiter: str) -> str:
    line = io.StringIO(newline="")
    csv.writer(line, delimiter=delimiter, lineterminator="\n").writerow(cells)
    return line.getvalue()


def format_faulty(row: Row, cells: dict[str, str], delimiter: str) -> str:
    faulty = [*(cells | row.bad_cells | ({"Nr": "k0"} if row.repeats else {})).values()]
    if row.structure == "open quote":
        flat = [cell.replace("\n", " ").replace('"', "") for cell in faulty]
        return format_line(flat, delimiter).removesuffix("\n") + f'{delimiter}"a"b\n'
    return format_line(
        {"": faulty, "short": faulty[:-1], "long": [*faulty, "surplus"]}[row.structure], delimiter
    )


async def import_file(catalog: Catalog, path: Path) -> Summary:
    feed = await open_feed("csv", [path], source="shop", mapping={"Nr": "source_id"})
    return await import_feed(catalog.dsn, feed, rejects=catalog.rejects)


def correct_rejects(path: Path, corrections: dict[str, dict[str, str]] | list[dict[str, str]]) -> None:
    """Write the correct cells over those of the source."""
    with path.open(encoding="utf-8", newline="") as file:
        headings, *rows = csv.reader(file)
    own = len(headings) - len(HEADINGS)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(headings)
        for place, row in enumerate(rows):
            cells = corrections[place] if isinstance(corrections, list) else corrections[row[0]]
            writer.writerow([*row[:own], *cells.values()])


@settings(max_examples=15, deadline=None)
@given(
    rows=st.lists(ROWS, min_size=1, max_size=5), delimiter=st.sampled_from(",;\t"), in_rounds=st.booleans()
)
async def test_corrected_rejects_and_a_corrected_source_give_the_same_catalog(
    catalog: Catalog, tmp_path: Path, rows: list[Row], delimiter: str, in_rounds: bool
) -> None:
    rows = [FIRST, *rows]
    correct = number_rows(rows)
    heading = format_line([*HEADINGS], delimiter)
    lines = [format_faulty(row, cells, delimiter) for row, cells in zip(rows, correct, strict=True)]
    labels = [f"line {''.join([heading, *lines[:place]]).count(chr(10)) + 1}" for place in range(len(rows))]
    source = tmp_path / "list.csv"
    source.write_text(heading + "".join(lines), encoding="utf-8", newline="")
    await catalog.clear()
    await import_file(catalog, source)

    if catalog.rejects.exists():
        cells_by_label = dict(zip(labels, correct, strict=True))
        if in_rounds:
            with catalog.rejects.open(encoding="utf-8", newline="") as file:
                in_order = [cells_by_label[row[0]] for row in [*csv.reader(file)][1:]]
            before = await catalog.checksum()
            await import_file(catalog, catalog.rejects)
            assert await catalog.checksum() == before
            correct_rejects(catalog.rejects, in_order)
        else:
            correct_rejects(catalog.rejects, cells_by_label)
        again = await import_file(catalog, catalog.rejects)
        assert (again.rejected, again.dropped_values) == (0, 0), catalog.rejects.read_text()
    by_rejects = await catalog.checksum()
    await catalog.clear()
    source.write_text(
        heading + "".join(format_line([*cells.values()], delimiter) for cells in correct), newline=""
    )
    await import_file(catalog, source)

    assert await catalog.checksum() == by_rejects
