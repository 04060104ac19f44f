"""Two ISBNs of one book, in a column of ISBN-13s and in a second one, usually of ISBN-10s."""

from collections.abc import Callable, Sequence

from db.importing.field_parsers import FieldError, RoundedNumberError

ISBN_10 = "isbn_10"
"""The field of the second column."""

_ISBN_13_HEADINGS = ("isbn13", "isbn_13")
_HEADINGS = frozenset((*_ISBN_13_HEADINGS, "isbn", "isbn10", "isbn_10", "isbn_number"))


def split_isbns(headings: Sequence[str]) -> tuple[list[int], list[int]]:
    """Return the places of the columns of ISBN-13s and of the second ones, by their folded headings.

    Beside a column of ISBN-10s, "isbn" is one of ISBN-13s. The second list is empty if there is no such pair.
    """
    named = [place for place, heading in enumerate(headings) if heading in _HEADINGS]
    for first in (_ISBN_13_HEADINGS, ("isbn",)):
        isbns_13 = [place for place in named if headings[place] in first]
        if isbns_13:
            return isbns_13, [place for place in named if place not in isbns_13]
    return named, []


def choose_isbn(
    isbn_13: str, isbn_10: str, parse: Callable[[str], str | None]
) -> tuple[str, FieldError | None]:
    """Return the cell of the book's ISBN, and why the other cell is left out, if that is to be told.

    The ISBN-13 counts, unless it is missing or invalid. That a spreadsheet has rounded it is not told where the
    ISBN-10 tells the number.
    """
    if not isbn_13 or not isbn_10:
        return isbn_13 or isbn_10, None
    first, first_error = _try(parse, isbn_13)
    second, second_error = _try(parse, isbn_10)
    if isinstance(first_error, RoundedNumberError) and (second or second_error):
        return isbn_10, None
    if first_error and second:
        return isbn_10, _import_with(second, first_error)
    if first_error:
        return isbn_13, second_error and _drop(second_error, "without it")
    if first is None:
        return isbn_10, None
    if second_error is None and second not in (None, first):
        second_error = FieldError("isbn", isbn_10, "another book's than the ISBN-13 of this row")
    return isbn_13, second_error and _import_with(first, second_error)


def _try(parse: Callable[[str], str | None], text: str) -> tuple[str | None, FieldError | None]:
    try:
        return parse(text), None
    except FieldError as error:
        return None, error


def _import_with(isbn: str, error: FieldError) -> FieldError:
    return _drop(error, f"with {isbn}")


def _drop(error: FieldError, how: str) -> FieldError:
    return FieldError(error.field, error.value, f"{error.reason}; imported {how}")
