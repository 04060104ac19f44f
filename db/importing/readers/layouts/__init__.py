"""Layouts of the tables that other programs export. Each is a module with one Layout.

Other packages add layouts by entry points. Each names a Layout object.
"""

from collections.abc import Sequence
from importlib.metadata import entry_points

from db.errors import CatalogImportError
from db.importing.readers.flat_fields import fold_heading
from db.importing.readers.layouts import (
    calibre,
    goodreads,
    librarything,
    shopify,
    shopify_template,
    storygraph,
    woocommerce,
    woocommerce_languages,
)
from db.importing.readers.layouts.layout import Layout

__all__ = ["ENTRY_POINT_GROUP", "LAYOUTS", "Layout", "find_layout"]

LAYOUTS = (
    goodreads.LAYOUT,
    storygraph.LAYOUT,
    librarything.LAYOUT,
    calibre.LAYOUT,
    shopify.LAYOUT,
    shopify_template.LAYOUT,
    woocommerce.LAYOUT,
    *woocommerce_languages.LAYOUTS,
)
"""The layouts of this package."""

ENTRY_POINT_GROUP = "bookstore.layouts"


def find_layout(headings: Sequence[str]) -> Layout | None:
    """Return the layout with these headings, or None. Raise CatalogImportError if a package cannot be loaded."""
    folded = {fold_heading(heading) for heading in headings}
    return next((layout for layout in _all_layouts() if layout.requires <= folded), None)


def _all_layouts() -> list[Layout]:
    layouts = list(LAYOUTS)
    for entry_point in sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda each: each.name):
        try:
            loaded: object = entry_point.load()
        except Exception as error:
            raise CatalogImportError(
                f"the layout {entry_point.name} cannot be loaded from {entry_point.value}"
                f" ({type(error).__name__}: {error}); uninstall or repair its package."
            ) from error
        if not isinstance(loaded, Layout):
            raise CatalogImportError(
                f"the layout {entry_point.name} cannot be loaded: {entry_point.value} is not a Layout."
            )
        layouts.append(loaded)
    return layouts
