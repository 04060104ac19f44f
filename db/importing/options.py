"""What an import may do to books that exist, as the user chose it."""

from dataclasses import dataclass
from typing import Literal

from db.book_columns import BOOK_FIELDS
from db.errors import CatalogImportError

LINK_FIELDS = ("authors", "categories")

OWNABLE_FIELDS = (*(field.name for field in BOOK_FIELDS if field.name != "isbn"), *LINK_FIELDS)
"""The fields that a source can own in books of another source."""

EDITOR = "editor"
"""The owner of fields that were edited by hand."""

LATER_CHANGE = "later"
"""The owner of fields that an undone import set, and that were changed since."""

KEEPERS = (EDITOR, LATER_CHANGE)
"""The owners of fields that are no sources: no source has one of these names."""


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """The choices of one import.

    - `replace`: a book becomes what its row says. Fields that the feed does not have are emptied.
    - `empty_clears`: an empty cell empties its field. Otherwise it leaves the field as it is.
    - `update_only`: rows without a book in the catalog are skipped.
    - `owner_of`: the fields that this source sets in books of other sources from now on.
    - `overwrite_edits`: fields that were edited by hand are set as well.
    - `missing`: what happens to books of the source that the feed lacks. At most `missing_limit` percent of
      the source's books are deleted, or of its published books unpublished; if more are missing, the import is
      refused.
    """

    replace: bool = False
    empty_clears: bool = False
    update_only: bool = False
    owner_of: frozenset[str] = frozenset()
    overwrite_edits: bool = False
    missing: Literal["keep", "unpublish", "delete"] = "keep"
    missing_limit: float = 5.0

    def __post_init__(self) -> None:
        """Raise CatalogImportError for a field that cannot be owned."""
        for name in sorted(self.owner_of - set(OWNABLE_FIELDS)):
            raise CatalogImportError(
                f"--owner-of {name}: a source cannot own this field; the fields are: {', '.join(OWNABLE_FIELDS)}."
            )


DEFAULT_OPTIONS = ImportOptions()
