"""The names of formats: words of several languages, within other words, and product forms of ONIX."""

from collections import Counter

import pytest

from db.constraints import BOOK_FORMATS
from db.importing import format_names
from db.importing.field_parsers import FieldError, parse_format


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hardcover", "HARDCOVER"),
        ("Gebundene Ausgabe", "HARDCOVER"),
        ("Relié", "HARDCOVER"),
        ("Tapa dura", "HARDCOVER"),
        (" PAPERBACK ", "PAPERBACK"),
        ("Taschenbuch", "PAPERBACK"),
        ("Trade Paperback (US)", "PAPERBACK"),
        ("Broché", "PAPERBACK"),
        ("Mass Market Paperback", "MASS_MARKET_PAPERBACK"),
        ("MASS_MARKET_PAPERBACK", "MASS_MARKET_PAPERBACK"),
        ("Spiral-bound", "SPIRAL_BOUND"),
        ("Kindle Edition", "EBOOK"),
        ("E-Book (EPUB)", "EBOOK"),
        ("e-book", "EBOOK"),
        ("Audio CD", "AUDIOBOOK"),
        ("Hörbuch-Download", "AUDIOBOOK"),
        ("Audible Audiobook", "AUDIOBOOK"),
        ("Hardcover + CD", "HARDCOVER"),
        ("CD-ROM", "OTHER"),
        ("BB", "HARDCOVER"),
        ("BC", "PAPERBACK"),
        ("BK", "OTHER"),
        ("AJ", "AUDIOBOOK"),
        ("ED", "EBOOK"),
        ("SA", "BOX_SET"),
        ("", None),
        ("  ", None),
        ("Unknown Binding", None),
        ("BA", None),
        ("00", None),
    ],
)
def test_a_format_is_known_by_its_names(text: str, expected: str | None):
    assert parse_format(text) == expected


@pytest.mark.parametrize("text", ["21 cm", "to be confirmed", "bb", "QQ"])
def test_an_unknown_format_is_rejected(text: str):
    with pytest.raises(FieldError) as caught:
        parse_format(text)

    assert (caught.value.field, caught.value.value, caught.value.reason) == (
        "format",
        text,
        "not a known format such as hardcover, paperback, ebook or audiobook",
    )


def test_every_name_is_folded_and_means_one_format():
    names = [name for text in format_names._NAMES.values() for name in text.split("; ")]

    assert tuple(format_names._NAMES) == BOOK_FORMATS
    assert [name for name in names if format_names.fold_format_name(name) != name] == []
    assert [name for name, times in Counter(names).items() if times > 1] == []
