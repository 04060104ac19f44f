"""Columns of books, authors, categories and series that the loaders of a request select."""

from dataclasses import dataclass
from functools import lru_cache

from db import authors, books, categories, series
from db.authors import Author
from db.books import Book
from db.categories import Category
from db.records import Columns, R
from db.series import Series


@dataclass(frozen=True, slots=True)
class ColumnSelection:
    """The columns of books, authors, categories and series that a request reads."""

    books: Columns[Book] = books.COLUMNS
    authors: Columns[Author] = authors.COLUMNS
    categories: Columns[Category] = categories.COLUMNS
    series: Columns[Series] = series.COLUMNS


ALL_COLUMNS = ColumnSelection()


@lru_cache(maxsize=4096)
def columns_for(columns_read: frozenset[tuple[type, str]]) -> ColumnSelection:
    """Return the columns behind the given (record class, attribute) pairs.

    A column of a table belongs to the record class of the table's rows, or to a subclass of it.
    """

    def select(columns: Columns[R]) -> Columns[R]:
        row_class = columns.record_class
        return columns.subset(frozenset(name for read, name in columns_read if issubclass(read, row_class)))

    return ColumnSelection(
        select(books.COLUMNS), select(authors.COLUMNS), select(categories.COLUMNS), select(series.COLUMNS)
    )
