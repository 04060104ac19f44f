"""Exports of other programs are recognised by their headings, and need no option but the currency."""

import csv
import re
import sys
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path

import pytest

from db.importing.readers import ReadingOptions, open_feed
from db.importing.readers.layouts import LAYOUTS, Layout, find_layout
from db.importing.records import AuthorRecord, BookRecord, Reject
from tests.db.importing.readers.sources import import_error, read_books, read_records, write_lines

DOCS = (Path(__file__).parents[4] / "docs" / "import.md").read_text(encoding="utf-8")
JANE = AuthorRecord("Jane Doe", sort_name="Doe, Jane")
JOHN = AuthorRecord("John Roe", sort_name="Roe, John")

GOODREADS = [
    "Book Id",
    "Title",
    "Author",
    "Author l-f",
    "Additional Authors",
    "ISBN",
    "ISBN13",
    "My Rating",
    "Average Rating",
    "Publisher",
    "Binding",
    "Number of Pages",
    "Year Published",
    "Original Publication Year",
    "Date Read",
    "Date Added",
    "Bookshelves",
]
STORYGRAPH = [
    "Title",
    "Authors",
    "Contributors",
    "ISBN/UID",
    "Format",
    "Read Status",
    "Date Added",
    "Star Rating",
    "Review",
    "Tags",
]
LIBRARYTHING = [
    "Book Id",
    "Title",
    "Primary Author",
    "Primary Author Role",
    "Secondary Author",
    "Secondary Author Roles",
    "Publication",
    "Date",
    "Summary",
    "Media",
    "Page Count",
    "ISBN",
    "ISBNs",
    "Languages",
    "Tags",
]
CALIBRE = [
    "author_sort",
    "authors",
    "comments",
    "cover",
    "id",
    "isbn",
    "languages",
    "pubdate",
    "publisher",
    "rating",
    "series",
    "tags",
    "title",
    "title_sort",
    "uuid",
]
SHOPIFY = [
    "Handle",
    "Title",
    "Body (HTML)",
    "Vendor",
    "Type",
    "Tags",
    "Published",
    "Option1 Name",
    "Option1 Value",
    "Variant SKU",
    "Variant Inventory Qty",
    "Variant Price",
    "Variant Compare At Price",
    "Variant Barcode",
    "Image Src",
    "Image Position",
    "Status",
    "Author (product.metafields.custom.author)",
]
WOOCOMMERCE = (
    'ID,Type,SKU,"GTIN, UPC, EAN, or ISBN",Name,Published,Short description,Description,In stock?,Stock,Sale price,'
    "Regular price,Categories,Images,Parent,Attribute 1 name,Attribute 1 value(s)"
)


def write_rows(path: Path, headings: Sequence[str], *rows: Mapping[str, str], delimiter: str = ",") -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, headings, restval="", delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    return path


async def test_goodreads(tmp_path: Path):
    path = write_rows(
        tmp_path / "library.csv",
        GOODREADS,
        {
            "Book Id": "7",
            "Title": "The Sea (Waters, #1)",
            "Author": "Jane Doe",
            "Author l-f": "Doe, Jane",
            "ISBN": '="0306406152"',
            "ISBN13": '="9780306406157"',
            "My Rating": "5",
            "Average Rating": "4.10",
            "Publisher": "Shore",
            "Binding": "Hardcover",
            "Number of Pages": "320",
            "Year Published": "1999",
            "Bookshelves": "to-read",
        },
        {
            "Book Id": "8",
            "Title": "Two",
            "Author": "Jane Doe",
            "Additional Authors": "John Roe",
            "ISBN": '=""',
        },
        {"Book Id": "9", "Title": "Three", "ISBN": '="0306406152"', "ISBN13": '=""'},
    )

    assert await read_books("csv", path) == [
        BookRecord(
            2,
            "7",
            "The Sea",
            "Waters, #1",
            "Waters",
            "1",
            isbn="9780306406157",
            publisher="Shore",
            format="HARDCOVER",
            published_year=1999,
            page_count=320,
            authors=(JANE,),
        ),
        BookRecord(3, "8", "Two", authors=(JANE, JOHN)),
        BookRecord(4, "9", "Three", isbn="9780306406157"),
    ]
    feed = await open_feed("csv", [path])
    await feed.batches.aclose()
    assert feed.notes.guesses[0] == "library.csv: an export of Goodreads"
    assert "My Rating" in feed.ignored_headings
    assert ("Author l-f", "author_sort") in feed.columns
    assert "price" not in feed.fields


async def test_storygraph(tmp_path: Path):
    path = write_rows(
        tmp_path / "b.csv",
        STORYGRAPH,
        {
            "Title": "The Sea",
            "Authors": "Jane Doe, John Roe",
            "Contributors": "Ann Poe (Narrator)",
            "ISBN/UID": "9780306406157",
            "Format": "audio",
            "Read Status": "read",
        },
        {"Title": "Two", "Authors": "Jane Doe", "ISBN/UID": "6b0f-11"},
    )

    assert await read_books("csv", path) == [
        BookRecord(
            2,
            "9780306406157",
            "The Sea",
            isbn="9780306406157",
            format="AUDIOBOOK",
            authors=(JANE, JOHN, AuthorRecord("Ann Poe", "NARRATOR", sort_name="Poe, Ann")),
        ),
        BookRecord(3, "6b0f-11", "Two", authors=(JANE,)),
    ]


async def test_librarything(tmp_path: Path):
    path = write_rows(
        tmp_path / "b.tsv",
        LIBRARYTHING,
        {
            "Book Id": "7",
            "Title": "The Sea",
            "Primary Author": "Doe, Jane",
            "Secondary Author": "Roe, John|Poe, Ann",
            "Secondary Author Roles": "Translator|Illustrator",
            "Publication": "Shore (1999), 320 pages",
            "Date": "1999",
            "Media": "Paperback",
            "Page Count": "320 ",
            "ISBN": "[0306406152]",
            "ISBNs": "0306406152, 9780306406157",
            "Languages": "English, German",
        },
        delimiter="\t",
    )

    assert await read_books("csv", path) == [
        BookRecord(
            2,
            "7",
            "The Sea",
            isbn="9780306406157",
            language="en",
            publisher="Shore",
            format="PAPERBACK",
            published_year=1999,
            page_count=320,
            authors=(
                JANE,
                AuthorRecord("John Roe", "TRANSLATOR", sort_name="Roe, John"),
                AuthorRecord("Ann Poe", "ILLUSTRATOR", sort_name="Poe, Ann"),
            ),
        )
    ]


async def test_calibre(tmp_path: Path):
    path = write_rows(
        tmp_path / "b.csv",
        CALIBRE,
        {
            "uuid": "u-1",
            "title": "The Sea",
            "authors": "Jane Doe & Roe & Sons",
            "author_sort": "Doe, Jane & Roe & Sons",
            "isbn": "9780306406157",
            "languages": "deu, eng",
            "pubdate": "0101-01-01T00:00:00+00:00",
            "tags": "Fiction, Crime",
            "comments": "<div><p>Deep.</p></div>",
        },
        {"uuid": "u-2", "title": "Two", "authors": "Jane Doe & John Roe", "author_sort": "Doe, J. & Roe, J."},
    )

    first, second = await read_books("csv", path)

    assert [person.name for person in first.authors] == ["Jane Doe", "Roe", "Sons"]
    assert (first.language, first.published_year, first.description) == ("de", None, "Deep.")
    assert first.categories == (("Fiction",), ("Crime",))
    assert second.authors == (
        AuthorRecord("Jane Doe", sort_name="Doe, J."),
        AuthorRecord("John Roe", sort_name="Roe, J."),
    )


def shopify_product(**cells: str) -> dict[str, str]:
    names = {"handle": "Handle", "title": "Title", "option": "Option1 Value", "price": "Variant Price"}
    return {names.get(name, name): text for name, text in cells.items()}


async def test_shopify(tmp_path: Path):
    sea = {
        **shopify_product(handle="sea", title="The Sea", option="Hardcover", price="20.00"),
        "Body (HTML)": "<p>Deep.</p>",
        "Vendor": "Shore",
        "Type": "Fiction",
        "Published": "true",
        "Status": "active",
        "Variant Barcode": "'9780306406157",
        "Variant Inventory Qty": "-1",
        "Variant Compare At Price": "25.00",
        "Image Src": "https://x.example/1.jpg",
        "Author (product.metafields.custom.author)": "Jane Doe",
    }
    path = write_rows(
        tmp_path / "products.csv",
        SHOPIFY,
        sea,
        {
            **shopify_product(handle="sea", option="Ebook", price="9.99"),
            "Variant Barcode": "9780306406164",
            "Image Src": "https://x.example/2.jpg",
        },
        {"Handle": "sea", "Image Src": "https://x.example/3.jpg"},
        shopify_product(handle="two", title="Two", option="Default Title", price="5.00", Published="false"),
        shopify_product(handle="three", title="Three", option="Default Title", price="5.00", Status="draft"),
        shopify_product(handle="four", title="Four", option="Default Title", price="5.00"),
    )
    shared = BookRecord(
        0,
        "",
        "The Sea",
        description="Deep.",
        publisher="Shore",
        currency="EUR",
        cover_url="https://x.example/1.jpg",
        authors=(JANE,),
        categories=(("Fiction",),),
    )
    feed = await open_feed("csv", [path], currency="EUR")

    found = [record async for batch in feed.batches for record in batch]

    assert found == [
        changed(
            shared,
            row=2,
            source_id="sea/Hardcover",
            isbn="9780306406157",
            format="HARDCOVER",
            price="20.00",
            stock=0,
        ),
        Reject(2, "stock", "-1", "fewer than 0; imported as 0", "field"),
        changed(shared, row=3, source_id="sea/Ebook", isbn="9780306406164", format="EBOOK", price="9.99"),
        BookRecord(7, "four", "Four", price=Decimal("5.00"), currency="EUR"),
    ]
    assert feed.notes.counts == {("row", "not published"): 2}
    assert await import_error("csv", path) == (
        f"{path}: prices without a currency; name its column with --map COLUMN=currency,"
        " or give one for all with --currency EUR."
    )


def changed(book: BookRecord, price: str, **values: object) -> BookRecord:
    names = {name: getattr(book, name) for name in BookRecord.__slots__}
    return BookRecord(**{**names, "price": Decimal(price), **values})


async def test_woocommerce(tmp_path: Path):
    headings = next(csv.reader([WOOCOMMERCE]))
    gtin = headings[3]
    path = write_rows(
        tmp_path / "products.csv",
        headings,
        {
            "ID": "1",
            "Type": "variable",
            "SKU": "SEA",
            "Name": "The Sea",
            "Published": "1",
            "Description": "<b>Deep</b>.\\nWide.",
            "Categories": "Fiction > Crime, Travel",
            "Images": "https://x.example/1.jpg, https://x.example/2.jpg",
            "Attribute 1 name": "Autor",
            "Attribute 1 value(s)": "Jane Doe, John Roe",
        },
        {
            "ID": "2",
            "Type": "variation",
            "SKU": "SEA-H",
            gtin: "9780306406157",
            "Name": "The Sea - Hardcover",
            "Published": "1",
            "In stock?": "1",
            "Stock": "4",
            "Sale price": "15",
            "Regular price": "20",
            "Parent": "SEA",
        },
        {
            "ID": "3",
            "Type": "simple",
            "SKU": "9780306406164",
            "Name": "Two",
            "Published": "1",
            "In stock?": "0",
            "Regular price": "5",
        },
        {"ID": "4", "Type": "simple", "Name": "Draft", "Published": "-1", "Regular price": "5"},
    )
    feed = await open_feed("csv", [path], currency="EUR")

    found = [record async for batch in feed.batches for record in batch]

    assert found == [
        BookRecord(
            3,
            "2",
            "The Sea",
            isbn="9780306406157",
            description="Deep.\nWide.",
            price=Decimal(15),
            currency="EUR",
            stock=4,
            cover_url="https://x.example/1.jpg",
            authors=(JANE, JOHN),
            categories=(("Fiction", "Crime"), ("Travel",)),
        ),
        BookRecord(4, "3", "Two", isbn="9780306406164", price=Decimal(5), currency="EUR", stock=0),
    ]
    assert feed.notes.counts == {("row", "not published"): 1}


async def test_shopify_by_its_template(tmp_path: Path):
    headings = [
        "Title",
        "URL handle",
        "Description",
        "Vendor",
        "Published on online store",
        "Status",
        "Barcode",
    ]
    headings += ["Option1 value", "Price", "Inventory quantity", "Product image URL"]
    sea = ("The Sea", "sea", "<p>Deep.</p>", "Shore", "TRUE", "Active", "9780306406157", "Paperback")
    path = write_rows(
        tmp_path / "products.csv",
        headings,
        dict(zip(headings, (*sea, "9.99", "4", "https://x.example/1.jpg"), strict=True)),
        {"Title": "Two", "URL handle": "two", "Published on online store": "FALSE", "Price": "5"},
    )

    assert await read_books("csv", path, currency="EUR") == [
        BookRecord(
            2,
            "sea/Paperback",
            "The Sea",
            isbn="9780306406157",
            description="Deep.",
            publisher="Shore",
            format="PAPERBACK",
            price=Decimal("9.99"),
            currency="EUR",
            stock=4,
            cover_url="https://x.example/1.jpg",
        )
    ]


@pytest.mark.parametrize(
    ("language", "headings", "attribute"),
    [
        (
            "German",
            "ID,Typ,Artikelnummer,Name,Veröffentlicht,Beschreibung,Vorrätig?,Bestand,Angebotspreis,Regulärer Preis,"
            "Kategorien,Bilder,Übergeordnetes Produkt,Attribut 1 Name,Attribut 1 Wert(e)",
            "Autor",
        ),
        (
            "Spanish",
            "ID,Tipo,SKU,Nombre,Publicado,Descripción,¿Existencias?,Inventario,Precio rebajado,Precio normal,"
            "Categorías,Imágenes,Superior,Nombre del atributo 1,Valor(es) del atributo 1",
            "Autor",
        ),
        (
            "French",
            "ID,Type,UGS,Nom,Publié,Description,En stock ?,Stock,Tarif promo,Tarif régulier,"
            "Catégories,Images,Parent,Nom de l’attribut 1,Valeur(s) de l’attribut 1 ",
            "Auteur",
        ),
    ],
)
async def test_woocommerce_in_another_language(tmp_path: Path, language: str, headings: str, attribute: str):
    names = headings.split(",")
    parent = ("1", "variable", "SEA", "The Sea", "1", "Deep.", "1", "", "", "", "Fiction > Crime", "")
    variation = (
        "2",
        "variation",
        "9780306406157",
        "The Sea - H",
        "1",
        "",
        "1",
        "4",
        "",
        "20,00",
        "",
        "",
        "SEA",
    )
    draft = ("3", "simple", "X", "Draft", "-1", "", "1", "", "", "5,00")
    path = write_rows(
        tmp_path / "products.csv",
        names,
        dict(zip(names, (*parent, "", attribute, "Jane Doe, John Roe"), strict=True)),
        dict(zip(names, variation, strict=False)),
        dict(zip(names, draft, strict=False)),
    )
    feed = await open_feed("csv", [path], currency="EUR")

    assert [record async for batch in feed.batches for record in batch] == [
        BookRecord(
            3,
            "2",
            "The Sea",
            isbn="9780306406157",
            description="Deep.",
            price=Decimal("20.00"),
            currency="EUR",
            stock=4,
            authors=(JANE, JOHN),
            categories=(("Fiction", "Crime"),),
        )
    ]
    assert feed.notes.guesses[0] == f"products.csv: an export of WooCommerce in {language}"
    assert feed.notes.counts == {("row", "not published"): 1}
    assert (names[9], "price") in feed.columns
    assert names[4] in feed.ignored_headings


async def test_options_come_before_what_is_known_of_a_program(tmp_path: Path):
    path = write_rows(
        tmp_path / "products.csv",
        SHOPIFY,
        {**shopify_product(handle="sea", title="The Sea", price="20.00"), "Vendor": "Jane Doe", "Tags": "x"},
    )

    book, *_ = await read_records(
        "csv",
        path,
        currency="EUR",
        mapping={"Vendor": "authors", "Tags": "categories"},
        reading=ReadingOptions(category_separator="/"),
    )

    assert isinstance(book, BookRecord)
    assert (book.authors, book.categories, book.publisher) == ((JANE,), (("x",),), "Jane Doe")


async def test_a_key_and_ignored_columns_do_not_turn_a_program_into_another_table(tmp_path: Path):
    path = write_rows(
        tmp_path / "library.csv",
        GOODREADS,
        {
            "Book Id": "7",
            "Title": "The  Sea (Waters, #1)",
            "Author": "Jane Doe",
            "Author l-f": "Doe, Jane",
            "ISBN": '="0306406152"',
            "ISBN13": '="9780306406157"',
            "Publisher": "Shore",
        },
    )
    reading = ReadingOptions(key=("Title", "Author"), ignore=("Publisher", "ISBN13"))
    feed = await open_feed("csv", [path], reading=reading)

    (book,) = [record async for batch in feed.batches for record in batch]

    assert book == BookRecord(
        2,
        "the sea (waters, #1) | jane doe",
        "The Sea",
        "Waters, #1",
        "Waters",
        "1",
        isbn="9780306406157",
        authors=(JANE,),
    )
    assert feed.notes.guesses[0] == "library.csv: an export of Goodreads"
    assert ("Title", "title") in feed.columns
    assert {"Book Id", "Publisher", "ISBN13"} <= set(feed.ignored_headings)
    assert "publisher" not in feed.fields
    for option, unknown in (
        ("--key", ReadingOptions(key=("x",))),
        ("--ignore", ReadingOptions(ignore=("x",))),
    ):
        message = await import_error("csv", path, reading=unknown)
        assert message.startswith(f"{path}: {option} x: there is no column x; its headings are: Book Id,")


async def test_a_mapped_isbn_of_an_export_is_the_only_one(tmp_path: Path):
    cells = {
        "Book Id": "7",
        "Title": "Sea",
        "ISBN": "0306406152",
        "ISBN13": "",
        "Bookshelves": "9780141439518",
    }
    path = write_rows(tmp_path / "library.csv", GOODREADS, cells)

    (book,) = await read_books("csv", path, mapping={"Bookshelves": "isbn"})

    assert book.isbn == "9780141439518"


async def test_malformed_rows_of_an_export_are_rejected_in_their_place(tmp_path: Path):
    path = write_rows(tmp_path / "b.csv", STORYGRAPH, {"Title": "One", "ISBN/UID": "a"})
    with path.open("a", encoding="utf-8") as file:
        file.write('Broken,"a "b" c"\nShort\nTwo,,,c,,,,,,\n')

    found = await read_records("csv", path)

    assert [(type(record).__name__, record.row) for record in found] == [
        *(("BookRecord", 2), ("Reject", 3), ("Reject", 4), ("BookRecord", 5)),
    ]


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_no_layout_is_taken_for_another(layout: Layout):
    assert find_layout(sorted(layout.requires)) is layout
    assert find_layout(["isbn", "title", "authors"]) is None


def test_every_layout_is_documented():
    section = DOCS.partition("## Files")[2].partition("\n## ")[0].partition("| export of |")[2]
    assert re.findall(r"^\| (\w[\w ]*) \| ", section, re.MULTILINE) == [layout.name for layout in LAYOUTS]


@pytest.mark.parametrize(
    ("entry_point", "code", "message"),
    [
        (
            "shelf = shelf_layout:LAYOUT",
            "",
            "the layout shelf cannot be loaded from shelf_layout:LAYOUT (AttributeError: module 'shelf_layout' has"
            " no attribute 'LAYOUT'); uninstall or repair its package.",
        ),
        (
            "shelf = shelf_layout:LAYOUT",
            "LAYOUT = 7",
            "the layout shelf cannot be loaded: shelf_layout:LAYOUT is not a Layout.",
        ),
    ],
)
async def test_a_broken_package_of_a_layout_is_one_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entry_point: str, code: str, message: str
):
    install_layout(tmp_path, monkeypatch, entry_point, code)
    path = write_lines(tmp_path / "b.csv", "isbn,title", "9780306406157,A")

    assert await import_error("csv", path) == message


async def test_a_package_adds_a_layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    code = """
from db.importing.readers.layouts.layout import Layout, convert_each

LAYOUT = Layout("Shelf", frozenset(("shelf_no", "name")), {"shelf_no": "source_id", "name": "title"},
                convert_each(lambda row: {"source_id": row["shelf_no"], "title": row["name"]}))
"""
    install_layout(tmp_path, monkeypatch, "shelf = shelf_layout:LAYOUT", code)
    path = write_lines(tmp_path / "b.csv", "Shelf No,Name", "7,Emma")

    assert await read_books("csv", path) == [BookRecord(2, "7", "Emma")]


def install_layout(folder: Path, monkeypatch: pytest.MonkeyPatch, entry_point: str, code: str) -> None:
    write_lines(folder / "shelf-1.0.dist-info" / "METADATA", "Name: shelf", "Version: 1.0")
    write_lines(folder / "shelf-1.0.dist-info" / "entry_points.txt", "[bookstore.layouts]", entry_point)
    write_lines(folder / "shelf_layout.py", code)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "shelf_layout", raising=False)
