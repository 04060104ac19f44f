"""A model of the catalog: what mutations do to books, authors and categories, in plain Python.

Its methods return the codes of the errors. Objects have their ids in the database; a method that adds one takes its id,
or 0 if it was not added. Names are single words, so that a slug is the name in lower case.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

Contribution = tuple[int, str]
"""The id of an author, and a role."""


@dataclass
class Book:
    title: str
    key: str
    isbn: str | None = None
    stock: int = 0
    contributions: list[Contribution] = field(default_factory=list[Contribution])
    categories: set[int] = field(default_factory=set[int])


@dataclass
class Category:
    name: str
    parent: int | None


@dataclass
class CatalogModel:
    """Objects by their ids. Former slugs, ids and paths lead to the ids of those who are there."""

    books: dict[int, Book] = field(default_factory=dict[int, Book])
    authors: dict[int, str] = field(default_factory=dict[int, str])
    categories: dict[int, Category] = field(default_factory=dict[int, Category])
    former_slugs: dict[str, int] = field(default_factory=dict[str, int])
    merged: dict[int, int] = field(default_factory=dict[int, int])
    former_paths: dict[str, int] = field(default_factory=dict[str, int])

    # Books

    def create_book(self, number: int, book: Book) -> list[str]:
        if faults := self._find_faults(book.contributions, book.categories):
            return faults
        if self.find_book(isbn=book.isbn) or any(each.key == book.key for each in self.books.values()):
            return ["ALREADY_EXISTS"]
        self.books[number] = replace(book, contributions=self._follow(book.contributions))
        return []

    def update_book(
        self,
        number: int,
        *,
        title: str | None,
        isbn: str | None,
        contributions: list[Contribution] | None,
        categories: set[int] | None,
    ) -> list[str]:
        if faults := self._find_faults(contributions or (), categories or ()):
            return faults
        if number not in self.books:
            return ["NOT_FOUND"]
        if isbn and self.find_book(isbn=isbn) not in (None, number):
            return ["ALREADY_EXISTS"]
        book = self.books[number]
        book.title, book.isbn = title or book.title, isbn or book.isbn
        book.contributions = book.contributions if contributions is None else self._follow(contributions)
        book.categories = book.categories if categories is None else categories
        return []

    def update_offers(self, stocks: Sequence[tuple[int, int]]) -> list[str]:
        seen: set[int] = set()
        faults: list[str] = []
        for number, stock in stocks:
            if number not in self.books:
                faults.append("NOT_FOUND")
            elif number in seen:
                faults.append("DUPLICATE")
            if stock < 0:
                faults.append("INVALID")
            seen.add(number)
        if not faults:
            for number, stock in stocks:
                self.books[number].stock = stock
        return faults

    def adjust_stock(self, number: int, delta: int) -> list[str]:
        if number not in self.books:
            return ["NOT_FOUND"]
        if self.books[number].stock + delta < 0:
            return ["INSUFFICIENT_STOCK"]
        self.books[number].stock += delta
        return []

    def delete_book(self, number: int) -> list[str]:
        return [] if self.books.pop(number, None) else ["NOT_FOUND"]

    def find_book(self, *, isbn: str | None) -> int | None:
        return next((number for number, book in self.books.items() if isbn and book.isbn == isbn), None)

    def upsert_book(self, number: int, book: Book) -> None:
        """Add or change the book with a key. Its authors are there; former ones without another book are deleted."""
        known = next((each for each in self.books.values() if each.key == book.key), None)
        if known is None:
            self.books[number] = book
            return
        former, known.contributions = known.contributions, book.contributions
        known.title, known.stock = book.title, book.stock
        for author in {author for author, _ in former}:
            self.delete_author(author)

    def _follow(self, contributions: Iterable[Contribution]) -> list[Contribution]:
        return [(self.find_author(number) or 0, role) for number, role in contributions]

    def _find_faults(self, contributions: Iterable[Contribution], categories: Iterable[int]) -> list[str]:
        links = [(self.find_author(number), role) for number, role in contributions]
        faults = ["NOT_FOUND" for number, _ in links if number is None]
        if not faults:
            faults += ["DUPLICATE" for place, link in enumerate(links) if link in links[:place]]
        return faults + ["NOT_FOUND" for number in categories if number not in self.categories]

    # Authors

    def create_author(self, number: int, name: str) -> list[str]:
        if name in self.authors.values():
            return ["ALREADY_EXISTS"]
        self.authors[number] = name
        self.former_slugs.pop(name.lower(), None)
        return []

    def update_author(self, number: int | None, name: str) -> list[str]:
        if number is None:
            return ["NOT_FOUND"]
        before = self.authors[number]
        if name != before and name in self.authors.values():
            return ["ALREADY_EXISTS"]
        self.authors[number] = name
        self.former_slugs.pop(name.lower(), None)
        if name != before:
            self.former_slugs[before.lower()] = number
        return []

    def merge_authors(self, kept: int | None, gone: int | None) -> list[str]:
        if kept is None or gone is None:
            return ["NOT_FOUND"] * [kept, gone].count(None)
        if kept == gone:
            return ["INVALID"]
        for book in self.books.values():
            links = [(kept if author == gone else author, role) for author, role in book.contributions]
            book.contributions = list(dict.fromkeys(links))
        _lead_on(self.former_slugs, kept, gone)
        _lead_on(self.merged, kept, gone)
        self.former_slugs[self.authors.pop(gone).lower()] = kept
        self.merged[gone] = kept
        return []

    def delete_author(self, number: int | None) -> list[str]:
        if number is None:
            return ["NOT_FOUND"]
        if any(number == author for book in self.books.values() for author, _ in book.contributions):
            return ["IN_USE"]
        del self.authors[number]
        _forget(self.former_slugs, number)
        _forget(self.merged, number)
        return []

    def find_author(self, number: int) -> int | None:
        """Return the id of an author, or of the one who has the books of a merged author."""
        return number if number in self.authors else self.merged.get(number)

    def find_slug(self, slug: str) -> int | None:
        """Return the id of the author with a slug, or with a former slug."""
        slugs = {name.lower(): number for number, name in self.authors.items()}
        return slugs.get(slug) or self.former_slugs.get(slug)

    # Categories

    def path(self, number: int) -> str:
        category = self.categories[number]
        above = "" if category.parent is None else self.path(category.parent) + "/"
        return above + category.name.lower()

    def paths(self) -> dict[str, int]:
        return {self.path(number): number for number in self.categories}

    def create_category(self, number: int, name: str, parent: int | None) -> list[str]:
        if parent is not None and parent not in self.categories:
            return ["NOT_FOUND"]
        path = ("" if parent is None else self.path(parent) + "/") + name.lower()
        if path in self.paths():
            return ["ALREADY_EXISTS"]
        self.categories[number] = Category(name, parent)
        self.former_paths.pop(path, None)
        return []

    def update_category(self, number: int, name: str) -> list[str]:
        if number not in self.categories:
            return ["NOT_FOUND"]
        return self._place(number, Category(name, self.categories[number].parent))

    def move_category(self, number: int, parent: int | None) -> list[str]:
        if number not in self.categories or (parent is not None and parent not in self.categories):
            return ["NOT_FOUND"]
        if parent is not None and number in self._lineage(parent):
            return ["INVALID"]
        return self._place(number, Category(self.categories[number].name, parent))

    def delete_category(self, number: int) -> list[str]:
        if number not in self.categories:
            return ["NOT_FOUND"]
        if any(number in book.categories for book in self.books.values()):
            return ["IN_USE"]
        if any(each.parent == number for each in self.categories.values()):
            return ["IN_USE"]
        del self.categories[number]
        _forget(self.former_paths, number)
        return []

    def _place(self, number: int, category: Category) -> list[str]:
        before = {each: self.path(each) for each in self.categories}
        replaced, self.categories[number] = self.categories[number], category
        if self.path(number) in before.values() and before[number] != self.path(number):
            self.categories[number] = replaced
            return ["ALREADY_EXISTS"]
        for each in self.categories:
            if number in self._lineage(each):
                self.former_paths.pop(self.path(each), None)
        for each, path in before.items():
            if path != self.path(each):
                self.former_paths[path] = each
        return []

    def _lineage(self, number: int) -> list[int]:
        parent = self.categories[number].parent
        return [number] if parent is None else [*self._lineage(parent), number]


def _lead_on(former: dict[Any, int], kept: int, gone: int) -> None:
    former.update({key: kept for key, number in former.items() if number == gone})


def _forget(former: dict[Any, int], number: int) -> None:
    for key in [key for key, each in former.items() if each == number]:
        del former[key]
