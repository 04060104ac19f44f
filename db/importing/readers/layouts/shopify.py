"""The products that Shopify exports. A product has a row for each variant, and further rows for its images.

Each variant is a book: a hardcover and an ebook have their own ISBN and price. Products that are not published are
left out, and counted.
"""

from collections.abc import Iterator

from db.importing.readers.feed import ReadingNotes
from db.importing.readers.layouts.layout import ConvertedRow, Layout, NumberedRow, Row

_DEFAULT_OPTION = "default title"
_OPTIONS = ("option1_value", "option2_value", "option3_value")
# An author is a metafield, whose heading ends in its key.
_AUTHOR_HEADINGS = ("author_(product_metafields", "authors_(product_metafields")


def _convert(rows: Iterator[NumberedRow], notes: ReadingNotes) -> Iterator[ConvertedRow]:
    product: Row = {}
    for line, row in rows:
        if row.get("title", "").strip():
            product = row
        if row.get("handle") != product.get("handle"):
            product = row
        if not _is_variant(row):
            continue
        if not _is_published(product):
            notes.counts["row", "not published"] += 1
            continue
        yield line, row, _convert_variant(product, row)


def _find_parents(rows: Iterator[NumberedRow]) -> Iterator[tuple[int, int]]:
    product, handle = 0, ""
    for line, row in rows:
        if row.get("title", "").strip() or row.get("handle", "") != handle:
            product, handle = line, row.get("handle", "")
        yield line, 0 if product == line else product


def _is_variant(row: Row) -> bool:
    return any(row.get(name, "").strip() for name in ("variant_price", "variant_sku", "variant_barcode"))


def _is_published(product: Row) -> bool:
    published = product.get("published", "").strip().lower()
    return published != "false" and product.get("status", "active").strip().lower() in ("active", "")


def _convert_variant(product: Row, variant: Row) -> Row:
    options = [variant.get(name, "").strip() for name in _OPTIONS]
    options = [option for option in options if option and option.lower() != _DEFAULT_OPTION]
    authors = next(
        (text for name, text in product.items() if name.startswith(_AUTHOR_HEADINGS) and text.strip()), ""
    )
    return {
        "source_id": "/".join((product.get("handle", ""), *options)),
        "isbn": variant.get("variant_barcode", "").lstrip("'") or variant.get("variant_sku", ""),
        "title": product.get("title", ""),
        "description": product.get("body_(html)", ""),
        "authors": authors,
        "publisher": product.get("vendor", ""),
        "format": options[0] if options else "",
        "categories": product.get("product_category", "") or product.get("type", ""),
        "price": variant.get("variant_price", ""),
        "stock": variant.get("variant_inventory_qty", ""),
        "cover_url": variant.get("variant_image", "") or product.get("image_src", ""),
    }


LAYOUT = Layout(
    "Shopify",
    frozenset(("handle", "body_(html)", "variant_price")),
    {
        "handle": "source_id",
        "option1_value": "format",
        "variant_barcode": "isbn",
        "title": "title",
        "body_(html)": "description",
        "vendor": "publisher",
        "product_category": "categories",
        "type": "categories",
        "variant_price": "price",
        "variant_inventory_qty": "stock",
        "image_src": "cover_url",
        "variant_image": "cover_url",
        "author_(product_metafields_custom_author)": "authors",
    },
    _convert,
    find_parents=_find_parents,
)
