"""The products that WooCommerce exports. A variation takes from its parent what it does not have itself.

A variable product is no book: its variations are. Products that are not published are left out, and counted.
"""

from collections.abc import Iterator

from db.importing.field_parsers import FieldError, PeopleStyle, parse_isbn
from db.importing.readers.feed import ReadingNotes
from db.importing.readers.flat_fields import find_field
from db.importing.readers.layouts.layout import ConvertedRow, Layout, NumberedRow, Row, first_part

_GTIN = "gtin,_upc,_ean,_or_isbn"
_INHERITED = ("categories", "images", "description", "short_description")
MAX_ATTRIBUTES = 20


def _convert(rows: Iterator[NumberedRow], notes: ReadingNotes) -> Iterator[ConvertedRow]:
    parents: dict[str, Row] = {}
    for line, row in rows:
        if _is_variable(row):
            parents |= dict.fromkeys(_keys_of_parent(row), row)
            continue
        parent: Row = parents.get(row.get("parent", "").strip(), {}) if _is_variation(row) else {}
        if not _is_published(row) or not _is_published(parent):
            notes.counts["row", "not published"] += 1
            continue
        yield line, row, _convert_product(row, parent)


def _find_parents(rows: Iterator[NumberedRow]) -> Iterator[tuple[int, int]]:
    parents: dict[str, int] = {}
    for line, row in rows:
        if _is_variable(row):
            parents |= dict.fromkeys(_keys_of_parent(row), line)
        yield line, parents.get(row.get("parent", "").strip(), 0) if _is_variation(row) else 0


def _is_variable(row: Row) -> bool:
    return "variable" in row.get("type", "").lower()


def _is_variation(row: Row) -> bool:
    return "variation" in row.get("type", "").lower()


def _keys_of_parent(row: Row) -> tuple[str, str]:
    """Return what a variation names its parent by."""
    return f"id:{row.get('id', '').strip()}", row.get("sku", "").strip()


def _is_published(row: Row) -> bool:
    """Return whether a product is published: 1, not 0 (private) or -1 (a draft)."""
    return row.get("published", "").strip() in ("1", "")


def _convert_product(row: Row, parent: Row) -> Row:
    full = {**row, **{name: parent.get(name, "") for name in _INHERITED if not row.get(name, "").strip()}}
    attributes = {**_attributes(parent), **_attributes(row)}
    gtin, sku = row.get(_GTIN, ""), row.get("sku", "")
    description = full.get("description", "") or full.get("short_description", "")
    on_sale = row.get("sale_price", "").strip() and not row.get("date_sale_price_ends", "").strip()
    return {
        **attributes,
        "source_id": row.get("id", ""),
        "isbn": gtin or attributes.get("isbn", "") or (sku if _is_isbn(sku) else ""),
        "title": parent.get("name", "") or row.get("name", ""),
        "description": description.replace("\\n", "\n"),
        "categories": full.get("categories", ""),
        "price": row.get("sale_price", "") if on_sale else row.get("regular_price", ""),
        "stock": row.get("stock", "") or ("0" if row.get("in_stock?", "").strip() == "0" else ""),
        "cover_url": first_part(full.get("images", ""), ","),
    }


def _attributes(row: Row) -> dict[str, str]:
    """Return the attributes whose names are those of fields, such as "Author" and "Seiten"."""
    found: dict[str, str] = {}
    for number in range(1, MAX_ATTRIBUTES):
        name = row.get(f"attribute_{number}_name")
        if name is None:
            break
        field, text = find_field(name), row.get(f"attribute_{number}_value(s)", "")
        if field in _ATTRIBUTE_FIELDS and text.strip():
            found[field] = text
    return found


_ATTRIBUTE_FIELDS = frozenset(("authors", "publisher", "format", "language", "pages", "published", "isbn"))


def _is_isbn(text: str) -> bool:
    try:
        return len(text) >= 10 and parse_isbn(text) is not None
    except FieldError:
        return False


LAYOUT = Layout(
    "WooCommerce",
    frozenset(("id", "type", "sku", "regular_price", "sale_price")),
    {
        "id": "source_id",
        _GTIN: "isbn",
        "sku": "isbn",
        "name": "title",
        "description": "description",
        "short_description": "description",
        "categories": "categories",
        "regular_price": "price",
        "sale_price": "price",
        "stock": "stock",
        "in_stock?": "stock",
        "images": "cover_url",
        **{f"attribute_{number}_value(s)": "authors" for number in range(1, 4)},
    },
    _convert,
    PeopleStyle(commas="names"),
    category_separator=",",
    find_parents=_find_parents,
)
