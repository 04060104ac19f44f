"""Random histories: after any mutations the catalog is that of the model, and every former key is found."""

import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from db.verify import run_checks
from graphql_api.schema.ids import global_id, parse_global_id
from tests.graphql_api.mutations.catalog_model import Book, CatalogModel, Contribution
from tests.graphql_api.mutations.conftest import Shop

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "300")) // 20
MAX_STEPS = 25

ISBNS = ["9780306406157", "9780261102217", "9786900000357"]
NAMES = ["Ann", "Bob", "Cid", "Dan"]
TITLES = ["Emma", "Dune", "Ulysses"]
ROLES = ["AUTHOR", "EDITOR"]

VERSIONS = """
SELECT 'Book', id, version FROM book
UNION ALL SELECT 'Author', id, version FROM author
UNION ALL SELECT 'Category', id, version FROM category
"""


@dataclass
class History:
    """One history: the shop, its model, and the ids that there have ever been."""

    shop: Shop
    draw: Callable[[st.SearchStrategy[Any]], Any]
    model: CatalogModel = field(default_factory=CatalogModel)
    books: list[int] = field(default_factory=lambda: [999_999])
    authors: list[int] = field(default_factory=lambda: [999_999])
    categories: list[int] = field(default_factory=lambda: [999_999])
    versions: dict[tuple[str, int], int] = field(default_factory=dict[tuple[str, int], int])

    async def run(self, mutation: str, arguments: str, ids: list[int] | None = None) -> tuple[int, list[str]]:
        """Run a mutation. Return the id of what it has added, which `ids` gets, or 0; and the codes of its errors."""
        item = "" if ids is None else f"{mutation.removeprefix('create').lower()} {{ id }}"
        done = (await self.shop.run(f"mutation {{ {mutation}{arguments} {{ {item} errors {{ code }} }} }}"))[
            mutation
        ]
        codes = [error["code"] for error in done["errors"]]
        if ids is None or codes:
            return 0, codes
        added = parse_global_id("id", next(value["id"] for key, value in done.items() if key != "errors"))[1]
        ids.append(added)
        return added, codes

    # What mutations are given

    def draw_book(self) -> tuple[int, str]:
        """Return the id of a book, and a key of it."""
        number = self.draw(st.sampled_from(self.books))
        isbn = self.model.books[number].isbn if number in self.model.books else None
        if isbn and self.draw(st.booleans()):
            return number, f'{{isbn: "{isbn}"}}'
        return number, f'{{id: "{global_id("Book", number)}"}}'

    def draw_author(self) -> tuple[int | None, str]:
        """Return the id of an author whom a key leads to, if any, and the key."""
        if self.draw(st.booleans()):
            slug = self.draw(st.sampled_from(NAMES)).lower()
            return self.model.find_slug(slug), f'{{slug: "{slug}"}}'
        number = self.draw(st.sampled_from(self.authors))
        return self.model.find_author(number), f'{{id: "{global_id("Author", number)}"}}'

    def draw_category(self) -> tuple[int, str]:
        number = self.draw(st.sampled_from(self.categories))
        if number in self.model.categories and self.draw(st.booleans()):
            return number, f'{{path: "{self.model.path(number)}"}}'
        return number, f'{{id: "{global_id("Category", number)}"}}'

    def draw_parent(self) -> tuple[int | None, str]:
        return self.draw_category() if self.draw(st.booleans()) else (None, "null")

    def draw_links(self) -> tuple[list[Contribution], set[int], str]:
        contribution = st.tuples(st.sampled_from(self.authors), st.sampled_from(ROLES))
        contributions = self.draw(st.lists(contribution, max_size=3))
        categories = self.draw(st.sets(st.sampled_from(self.categories), max_size=2))
        authors = ", ".join(
            f'{{author: {{id: "{global_id("Author", number)}"}}, role: {role}}}'
            for number, role in contributions
        )
        places = ", ".join(f'{{id: "{global_id("Category", number)}"}}' for number in categories)
        return contributions, categories, f"contributions: [{authors}], categories: [{places}]"

    # Mutations

    async def create_book(self) -> None:
        title, isbn = self.draw(st.sampled_from(TITLES)), self.draw(st.sampled_from([None, *ISBNS]))
        stock = self.draw(st.integers(0, 5))
        contributions, categories, links = self.draw_links()
        given_isbn = f', isbn: "{isbn}"' if isbn else ""
        added, codes = await self.run(
            "createBook", f'(input: {{title: "{title}", stock: {stock}{given_isbn}, {links}}})', self.books
        )
        book = Book(title, f"api {isbn or added}", isbn, stock, contributions, categories)
        assert codes == self.model.create_book(added, book)

    async def update_book(self) -> None:
        number, key = self.draw_book()
        title = self.draw(st.sampled_from([None, *TITLES]))
        isbn = self.draw(st.sampled_from([None, *ISBNS]))
        relinks = self.draw(st.booleans())
        contributions, categories, links = self.draw_links() if relinks else (None, None, "")
        given = [f'title: "{title}"'] * bool(title) + [f'isbn: "{isbn}"'] * bool(isbn) + [links] * relinks
        _, codes = await self.run("updateBook", f"(by: {key}, input: {{{', '.join(given)}}})")
        assert codes == self.model.update_book(
            number, title=title, isbn=isbn, contributions=contributions, categories=categories
        )

    async def update_offers(self) -> None:
        count = self.draw(st.integers(0, 3))
        drawn = [(*self.draw_book(), self.draw(st.integers(-1, 5))) for _ in range(count)]
        offers = ", ".join(f"{{by: {key}, stock: {stock}}}" for _, key, stock in drawn)
        _, codes = await self.run("updateOffers", f"(offers: [{offers}])")
        assert sorted(codes) == sorted(
            self.model.update_offers([(number, stock) for number, _, stock in drawn])
        )

    async def adjust_stock(self) -> None:
        number, key = self.draw_book()
        delta = self.draw(st.integers(-3, 3))
        _, codes = await self.run("adjustStock", f"(by: {key}, delta: {delta})")
        assert codes == self.model.adjust_stock(number, delta)

    async def delete_book(self) -> None:
        number, key = self.draw_book()
        _, codes = await self.run("deleteBook", f"(by: {key})")
        assert codes == self.model.delete_book(number)

    async def upsert_book(self) -> None:
        key, title = self.draw(st.sampled_from(["1", "2"])), self.draw(st.sampled_from(TITLES))
        stock = self.draw(st.integers(0, 5))
        names = self.draw(st.lists(st.sampled_from(NAMES), max_size=2, unique=True))
        record = f'{{sourceId: "{key}", title: "{title}", stock: {stock}, authors: "{"; ".join(names)}"}}'
        document = (
            f'mutation {{ upsertBooks(source: "shop", books: [{record}]) {{ results {{ book {{ id }} }} }} }}'
        )
        [result] = (await self.shop.run(document))["upsertBooks"]["results"]
        number = parse_global_id("id", result["book"]["id"])[1]
        for name in names:
            if self.model.find_slug(name.lower()) is None:
                [(added,)] = await self.shop.rows("SELECT id FROM author WHERE slug = $1", name.lower())
                self.model.create_author(added, name)
                self.authors.append(added)
        authors = dict.fromkeys((self.model.find_slug(name.lower()) or 0, "AUTHOR") for name in names)
        self.model.upsert_book(number, Book(title, f"shop {key}", None, stock, list(authors)))
        self.books += [number] * (number not in self.books)

    async def create_author(self) -> None:
        name = self.draw(st.sampled_from(NAMES))
        added, codes = await self.run("createAuthor", f'(input: {{name: "{name}"}})', self.authors)
        assert codes == self.model.create_author(added, name)

    async def update_author(self) -> None:
        number, key = self.draw_author()
        name = self.draw(st.sampled_from(NAMES))
        _, codes = await self.run("updateAuthor", f'(by: {key}, input: {{name: "{name}"}})')
        assert codes == self.model.update_author(number, name)

    async def merge_authors(self) -> None:
        (kept, into), (gone, source) = self.draw_author(), self.draw_author()
        _, codes = await self.run("mergeAuthors", f"(into: {into}, from: {source})")
        assert codes == self.model.merge_authors(kept, gone)

    async def delete_author(self) -> None:
        number, key = self.draw_author()
        _, codes = await self.run("deleteAuthor", f"(by: {key})")
        assert codes == self.model.delete_author(number)

    async def create_category(self) -> None:
        name, (parent, key) = self.draw(st.sampled_from(NAMES)), self.draw_parent()
        added, codes = await self.run(
            "createCategory", f'(input: {{name: "{name}", parent: {key}}})', self.categories
        )
        assert codes == self.model.create_category(added, name, parent)

    async def update_category(self) -> None:
        (number, key), name = self.draw_category(), self.draw(st.sampled_from(NAMES))
        _, codes = await self.run("updateCategory", f'(by: {key}, input: {{name: "{name}"}})')
        assert codes == self.model.update_category(number, name)

    async def move_category(self) -> None:
        (number, key), (parent, above) = self.draw_category(), self.draw_parent()
        _, codes = await self.run("moveCategory", f"(by: {key}, parent: {above})")
        assert codes == self.model.move_category(number, parent)

    async def delete_category(self) -> None:
        number, key = self.draw_category()
        _, codes = await self.run("deleteCategory", f"(by: {key})")
        assert codes == self.model.delete_category(number)

    # What is compared

    async def assert_versions_rise(self) -> None:
        versions = {(kind, number): version for kind, number, version in await self.shop.rows(VERSIONS)}
        fallen = [key for key, version in versions.items() if version < self.versions.get(key, 1)]
        assert fallen == []
        self.versions = versions

    async def assert_equals_model(self) -> None:
        model, rows = self.model, self.shop.rows
        books = await rows("SELECT id, title, isbn, stock FROM book ORDER BY id")
        contributions = await rows(
            "SELECT book_id, author_id, role FROM book_author ORDER BY book_id, position"
        )
        categories = await rows(
            "SELECT book_id, category_id FROM book_category ORDER BY book_id, category_id"
        )
        ordered = sorted(model.books.items())

        assert books == [(number, book.title, book.isbn, book.stock) for number, book in ordered]
        assert contributions == [(number, *link) for number, book in ordered for link in book.contributions]
        assert categories == [(number, each) for number, book in ordered for each in sorted(book.categories)]
        assert dict(await rows("SELECT id, name FROM author")) == model.authors
        assert dict(await rows("SELECT path, id FROM category")) == model.paths()
        assert [
            (each.name, each.examples) for each in await run_checks(self.shop.connection) if each.count
        ] == []

    async def assert_former_keys_are_found(self) -> None:
        for slug in [name.lower() for name in NAMES]:
            assert await self._find("author", "slug", slug) == self.model.find_slug(slug)
        for number in self.model.merged:
            assert await self._find("author", "id", global_id("Author", number)) == self.model.merged[number]
        for path, number in (self.model.former_paths | self.model.paths()).items():
            assert await self._find("category", "path", path) == number

    async def _find(self, field_: str, key: str, value: str) -> int | None:
        found = (await self.shop.run(f'{{ {field_}(by: {{{key}: "{value}"}}) {{ id }} }}'))[field_]
        return parse_global_id("id", found["id"])[1] if found else None


STEPS: list[Callable[[History], Awaitable[None]]] = [
    History.create_book, History.update_book, History.update_offers, History.adjust_stock, History.delete_book,
    History.upsert_book, History.create_author, History.create_author, History.update_author, History.merge_authors,
    History.delete_author, History.create_category, History.create_category, History.update_category,
    History.move_category, History.delete_category,
]  # fmt: skip


@settings(max_examples=EXAMPLES)
@given(data=st.data())
async def test_a_history_of_mutations_ends_as_its_model(shop: Shop, data: st.DataObject) -> None:
    await shop.connection.execute("DELETE FROM book; DELETE FROM author")
    await shop.connection.execute("TRUNCATE category CASCADE; UPDATE catalog_size SET categories = 0")
    history = History(shop, data.draw)

    for step in data.draw(st.lists(st.sampled_from(STEPS), min_size=5, max_size=MAX_STEPS)):
        await step(history)
        await history.assert_versions_rise()

    await history.assert_equals_model()
    await history.assert_former_keys_are_found()
