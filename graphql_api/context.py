"""The context of a request, which every resolver receives."""

from db.connections.session import ReadSession
from db.database import Database
from db.view_counts import ViewCounter
from graphql_api.access.principal import PUBLIC, Principal
from graphql_api.execution.context import ColumnsRead
from graphql_api.loaders.columns import columns_for
from graphql_api.loaders.registry import Loaders


class Context:
    """The database, the loaders and the view counter of one request, and the principal that sent it.

    `viewed` holds the ids of the books whose view is already counted.
    """

    __slots__ = ("database", "loaders", "principal", "view_counter", "viewed")

    def __init__(
        self,
        view_counter: ViewCounter,
        database: Database,
        loaders: Loaders | None = None,
        principal: Principal = PUBLIC,
    ) -> None:
        self.view_counter = view_counter
        self.principal = principal
        self.database = database
        self.loaders = loaders or Loaders(database)
        self.viewed: set[int] = set()

    def record_view(self, book_id: int) -> None:
        """Count a view of a book, at most once per request."""
        if book_id not in self.viewed:
            self.viewed.add(book_id)
            self.view_counter.record(book_id)

    def for_plan(self, columns_read: ColumnsRead) -> "Context":
        """Return a context for a plan: it reads only the plan's columns, over one pinned connection.

        The caller must close it.
        """
        if isinstance(self.database, ReadSession):
            self.database.pin()
        loaders = Loaders(
            self.database,
            columns_for(columns_read),
            by_level=True,
            vocabulary_cache=self.loaders.vocabulary_cache,
        )
        return Context(self.view_counter, self.database, loaders, self.principal)

    async def close(self) -> None:
        """Unpin the connection that `for_plan` pinned."""
        if isinstance(self.database, ReadSession):
            self.database.unpin()

    def for_fallback(self) -> "Context":
        """Return a context for running the operation with graphql-core, reusing the values loaded so far."""
        context = Context(self.view_counter, self.database, self.loaders.for_fallback(), self.principal)
        context.viewed = self.viewed
        return context
