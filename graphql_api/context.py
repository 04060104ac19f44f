"""What a request carries to its resolvers."""

from functools import lru_cache

import strawberry

from db import authors, books, categories
from db.connections.session import ReadSession
from db.database import Database
from db.views import ViewLog
from graphql_api.loaders import Loaders, Selection


class Context:
    """The view log, and the loaders of this one request. `viewed` holds the books it has looked up."""

    __slots__ = ("database", "loaders", "viewed", "views")

    def __init__(self, views: ViewLog, database: Database, loaders: Loaders | None = None) -> None:
        self.views = views
        self.database = database
        self.loaders = loaders or Loaders(database)
        self.viewed: set[int] = set()

    def view(self, book_id: int) -> None:
        """Note that a book is viewed, once a request."""
        if book_id not in self.viewed:
            self.viewed.add(book_id)
            self.views.note(book_id)

    def planned(self, reads: frozenset[tuple[str, str]]) -> "Context":
        """A context for a plan: it reads only what the plan takes from objects, over one connection.
        It is to be closed."""
        if isinstance(self.database, ReadSession):
            self.database.pin()
        loaders = Loaders(self.database, selection(reads), gathers=False)
        return Context(self.views, self.database, loaders)

    async def close(self) -> None:
        """Give back what was held for the request."""
        if isinstance(self.database, ReadSession):
            self.database.unpin()

    def again(self) -> "Context":
        """A context to run the same operation once more, without reading again what was read."""
        again = Context(self.views, self.database, self.loaders.again(self.database))
        again.viewed = self.viewed
        return again


@lru_cache(maxsize=4096)
def selection(reads: frozenset[tuple[str, str]]) -> Selection:
    """The columns behind attributes of books, authors and categories."""

    def names(*kinds: str) -> frozenset[str]:
        return frozenset(name for kind, name in reads if kind in kinds)

    return Selection(
        books.COLUMNS.only(names("Book", "Money", "BookEdge")),
        authors.COLUMNS.only(names("Author", "Contribution")),
        categories.COLUMNS.only(names("Category")),
    )


Info = strawberry.Info[Context, None]
