"""Columns of books, authors and categories that the loaders of a request select."""

from dataclasses import dataclass
from functools import lru_cache

from db import authors, books, categories
from db.authors import Author
from db.books import Book
from db.categories import Category
from db.records import Columns


@dataclass(frozen=True, slots=True)
class ColumnSelection:
    """The columns of books, authors and categories that a request reads."""

    books: Columns[Book] = books.COLUMNS
    authors: Columns[Author] = authors.COLUMNS
    categories: Columns[Category] = categories.COLUMNS


ALL_COLUMNS = ColumnSelection()


@lru_cache(maxsize=4096)
def columns_for(reads: frozenset[tuple[str, str]]) -> ColumnSelection:
    """Return the columns behind the given (type, attribute) pairs."""

    def names_of(*type_names: str) -> frozenset[str]:
        return frozenset(name for type_name, name in reads if type_name in type_names)

    return ColumnSelection(
        books.COLUMNS.subset(names_of("Book", "Money", "BookEdge")),
        authors.COLUMNS.subset(names_of("Author", "Contribution")),
        categories.COLUMNS.subset(names_of("Category")),
    )
