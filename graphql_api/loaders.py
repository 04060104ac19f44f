"""One aiodataloader for each relation: whatever asks for rows in the same tick shares one statement."""

from asyncio import Task, create_task, shield
from collections.abc import Awaitable, Callable, Coroutine, Generator, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from aiodataloader import DataLoader

from db import authors, books, categories, views
from db.authors import Author, Contribution
from db.books import Book
from db.categories import Category
from db.pages import Order, Page, Window
from db.pool import Database

K = TypeVar("K")
V = TypeVar("V")

NOTHING: Mapping[Any, Any] = MappingProxyType({})

WHOLE_CATALOG = 0
"""The key under which a page or a count of the whole catalog is loaded."""


class Loader(DataLoader[K, V]):
    """An aiodataloader that takes the keys of a whole level in one step.

    All keys asked for before the event loop turns are one batch, with one task for the batch instead of
    one future for each key. What was loaded, or failed to be, stays so for the request.
    """

    def __init__(
        self,
        read: Callable[[Sequence[K]], Coroutine[Any, Any, list[V]]],
        known: Mapping[K, V] = NOTHING,
    ) -> None:
        super().__init__(read, cache=False)
        self.known = known
        self.values: dict[K, V] = {}
        self.batches: dict[K, Task[None]] = {}
        self.waiting: list[K] = []

    def load_all(self, keys: Sequence[K | None]) -> "Loading[K, V]":
        """The values of the keys, in their order, None for a None. The keys are asked for at once, the
        values come when awaited."""
        batches, waiting = self.batches, self.waiting
        for key in keys:
            if key is not None and key not in batches:
                if not waiting:
                    self.reading = create_task(self.read_batch())
                    self.reading.add_done_callback(retrieved)
                waiting.append(key)
                batches[key] = self.reading
        return Loading(self, keys)

    def load(self, key: K) -> Awaitable[V]:  # type: ignore[override] - a future is not needed
        """The value of one key, asked for at once too."""
        return only_one(self.load_all([key]))

    async def read_batch(self) -> None:
        keys, self.waiting = self.waiting, []
        if self.known:
            self.values.update((key, self.known[key]) for key in keys if key in self.known)
            keys = [key for key in keys if key not in self.known]
        if keys:
            self.values.update(zip(keys, await self.batch_load_fn(keys), strict=True))


class Loading(Generic[K, V]):
    """Values on their way. Cancelling one who waits for them takes them from nobody else."""

    __slots__ = ("keys", "loader")

    def __init__(self, loader: Loader[K, V], keys: Sequence[K | None]) -> None:
        self.loader = loader
        self.keys = keys

    def __await__(self) -> Generator[Any, None, list[V | None]]:
        batches, values = self.loader.batches, self.loader.values
        for batch in {batches[key] for key in self.keys if key is not None}:
            if batch.done():
                batch.result()
            else:
                yield from shield(batch).__await__()
        return [None if key is None else values[key] for key in self.keys]


async def only_one(loading: "Loading[Any, V]") -> V:
    [value] = await loading
    return value  # type: ignore[return-value]


def retrieved(batch: Task[None]) -> None:
    """Whoever waits for a batch sees its failure; if nobody does any more, it is not worth a warning."""
    if not batch.cancelled():
        batch.exception()


class Loaders:
    """The loaders of one request; each comes into being when it is first asked for.

    Those made `again` behave as new ones do, but read nothing that the earlier ones have.
    """

    def __init__(self, database: Database, earlier: "Loaders | None" = None) -> None:
        self.database = database
        self.made: dict[object, Loader[Any, Any]] = {}
        self.earlier: Mapping[object, Loader[Any, Any]] = earlier.made if earlier else NOTHING

    def again(self) -> "Loaders":
        return Loaders(self.database, self)

    def loader(
        self, name: object, read: Callable[..., Coroutine[Any, Any, list[V]]], *arguments: Any, **options: Any
    ) -> Loader[Any, V]:
        """The loader that reads with these arguments; the name tells it from others."""
        found = self.made.get(name)
        if found is None:
            earlier = self.earlier.get(name)
            known = earlier.values if earlier else NOTHING
            found = Loader(partial(read, self.database, *arguments, **options), known)
            self.made[name] = found
        return found

    @property
    def book_by_id(self) -> Loader[int, Book | None]:
        return self.loader("book_by_id", books.books_by_ids)

    @property
    def book_by_isbn(self) -> Loader[str, Book | None]:
        return self.loader("book_by_isbn", books.books_by_isbns)

    @property
    def description_by_book_id(self) -> Loader[int, str | None]:
        return self.loader("description_by_book_id", books.descriptions_by_book_ids)

    @property
    def recent_views_by_book_id(self) -> Loader[int, int]:
        return self.loader("recent_views_by_book_id", views.recent_views_by_book_ids)

    @property
    def author_by_id(self) -> Loader[int, Author | None]:
        return self.loader("author_by_id", authors.authors_by_ids)

    @property
    def author_by_slug(self) -> Loader[str, Author | None]:
        return self.loader("author_by_slug", authors.authors_by_slugs)

    @property
    def authors_by_book_id(self) -> Loader[int, list[Contribution]]:
        return self.loader("authors_by_book_id", authors.authors_by_book_ids)

    @property
    def category_by_id(self) -> Loader[int, Category | None]:
        return self.loader("category_by_id", categories.categories_by_ids)

    @property
    def category_by_path(self) -> Loader[str, Category | None]:
        return self.loader("category_by_path", categories.categories_by_paths)

    @property
    def categories_by_book_id(self) -> Loader[int, list[Category]]:
        return self.loader("categories_by_book_id", categories.categories_by_book_ids)

    @property
    def count_of_children_by_category_id(self) -> Loader[int, int]:
        return self.loader("count_of_children_by_category_id", categories.counts_of_children_by_category_ids)

    def page_of_books(self, order: Order, window: Window) -> Loader[int, Page[Book]]:
        return self.loader(("books", order, window), only(books.page_of_books), order, window)

    def page_of_authors(self, window: Window) -> Loader[int, Page[Author]]:
        return self.loader(("authors", window), only(authors.page_of_authors), window)

    def page_of_categories(self, window: Window, *, roots: bool) -> Loader[int, Page[Category]]:
        name = ("categories", window, roots)
        return self.loader(name, only(categories.page_of_categories), window, roots=roots)

    def books_by_author_id(self, order: Order, window: Window) -> Loader[int, Page[Book]]:
        return self.loader(("author", order, window), books.books_by_author_ids, order, window)

    def books_by_category_id(
        self, order: Order, window: Window, *, descendants: bool
    ) -> Loader[int, Page[Book]]:
        name = ("category", order, window, descendants)
        return self.loader(name, books.books_by_category_ids, order, window, descendants=descendants)

    def children_by_category_id(self, window: Window) -> Loader[int, Page[Category]]:
        return self.loader(("children", window), categories.children_by_category_ids, window)

    def count(self, read: Callable[..., Coroutine[Any, Any, int]], **options: Any) -> Loader[int, int]:
        """The loader of a count of the whole catalog."""
        return self.loader((read, *options.items()), only(read), **options)


def only(read: Callable[..., Coroutine[Any, Any, V]]) -> Callable[..., Coroutine[Any, Any, list[V]]]:
    """A batch of the one key there is, WHOLE_CATALOG."""

    async def batch(database: Database, *arguments: Any, **options: Any) -> list[V]:
        return [await read(database, *arguments[:-1], **options)]

    return batch
