"""Formats: each accepts its own options, and other packages add formats by entry points."""

import re
import sys
from itertools import product
from pathlib import Path
from typing import get_args

import pytest

from db.errors import CatalogImportError
from db.importing.readers import FORMATS, ReadingOptions, find_format, format_names
from db.importing.readers.formats import Option
from db.importing.records import BookRecord
from tests.db.importing.readers.sources import import_error, read_records, write_lines

DOCS = (Path(__file__).parents[4] / "docs" / "import.md").read_text(encoding="utf-8")
ARGUMENTS = {
    "--map": {"mapping": {"a": "title"}},
    "--source": {"source": "shop"},
    "--from": {"dsn": "postgresql://127.0.0.1/shop"},
    "--table": {"table": "books"},
    "--currency": {"currency": "EUR"},
    "--decimal-comma": {"reading": ReadingOptions(decimal_mark=",")},
    "--date-order": {"reading": ReadingOptions(date_order="dmy")},
    "--author-separator": {"reading": ReadingOptions(author_separator="/")},
    "--category-separator": {"reading": ReadingOptions(category_separator="/")},
    "--ignore": {"reading": ReadingOptions(ignore=("a",))},
    "--key": {"reading": ReadingOptions(key=("a",))},
    "--encoding": {"reading": ReadingOptions(encoding="utf-8")},
    "--delimiter": {"reading": ReadingOptions(delimiter=";")},
    "--no-header": {"reading": ReadingOptions(header=False)},
    "--skip-lines": {"reading": ReadingOptions(skip_lines=1)},
}


def test_every_format_is_registered_under_its_name_and_documented():
    assert [format_.name for format_ in FORMATS.values()] == list(FORMATS)
    assert format_names() == list(FORMATS)
    table = DOCS.partition("## Formats")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `(\w+)` \| (.*?) \| (.*?) ?\|$", table, re.MULTILINE) == [
        (format_.name, format_.help, " ".join(f"`{option}`" for option in sorted(format_.accepts)))
        for format_ in FORMATS.values()
    ]


@pytest.mark.parametrize(("name", "option"), list(product(FORMATS, get_args(Option))))
async def test_a_format_rejects_exactly_the_options_that_it_does_not_accept(
    tmp_path: Path, name: str, option: Option
):
    rejected = f"{option} does not apply to the format {name}; leave it out."

    message = await import_error(name, tmp_path / "none", **ARGUMENTS[option])

    assert (message == rejected) == (option not in FORMATS[name].accepts)


def install(monkeypatch: pytest.MonkeyPatch, folder: Path, entry_points: str, code: str = "") -> None:
    """Install a package with the entry points as pip does, and the module `shelf_format`."""
    write_lines(folder / "shelf-1.0.dist-info" / "METADATA", "Name: shelf", "Version: 1.0")
    write_lines(folder / "shelf-1.0.dist-info" / "entry_points.txt", "[bookstore.formats]", entry_points)
    write_lines(folder / "shelf_format.py", code)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "shelf_format", raising=False)


async def test_the_documented_package_adds_a_format(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    section = DOCS.partition("## A format of your own")[2]
    code, entry_point = re.findall(r"```(?:python|toml)\n(.*?)```", section, re.DOTALL)
    install(monkeypatch, tmp_path, entry_point.splitlines()[1].replace('"', ""), code)
    shelf = write_lines(tmp_path / "shelf.txt", "0306406152 Emma")

    assert format_names() == [*FORMATS, "shelf"]
    assert find_format("shelf").help == "lines such as 0306406152 Emma"
    assert await read_records("shelf", shelf, shelf) == [
        BookRecord(row, "9780306406157", "Emma", isbn="9780306406157") for row in (1, 2)
    ]
    assert await import_error("shelf", shelf, table="books") == (
        "--table does not apply to the format shelf; leave it out."
    )


@pytest.mark.parametrize(
    ("entry_point", "message"),
    [
        (
            "shelf = shelf_format:FORMAT",
            "the format shelf cannot be loaded from shelf_format:FORMAT"
            " (AttributeError: module 'shelf_format' has no attribute 'FORMAT').",
        ),
        (
            "shelf = missing_module:FORMAT",
            "the format shelf cannot be loaded from missing_module:FORMAT"
            " (ModuleNotFoundError: No module named 'missing_module').",
        ),
        (
            "shelf = shelf_format:__name__",
            "the format shelf cannot be loaded: shelf_format:__name__ is not a Format.",
        ),
    ],
)
async def test_a_broken_package_breaks_its_format_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entry_point: str, message: str
):
    install(monkeypatch, tmp_path, entry_point)

    assert await import_error("shelf", tmp_path) == message
    assert find_format("csv") is FORMATS["csv"]


async def test_a_package_cannot_replace_a_format(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    install(monkeypatch, tmp_path, "csv = missing_module:FORMAT")

    assert format_names() == list(FORMATS)
    assert find_format("csv") is FORMATS["csv"]


async def test_an_unknown_format_names_the_known_ones():
    with pytest.raises(
        CatalogImportError, match=r"^unknown format excel; the formats are: csv, jsonl, json, "
    ):
        find_format("excel")
