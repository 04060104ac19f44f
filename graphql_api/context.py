"""The context of a request, which every resolver receives."""

from db.connections.session import ReadSession
from db.connections.write_session import WriteSession
from db.database import Database
from db.view_counts import ViewCounter
from graphql_api.access.principal import PUBLIC, Principal
from graphql_api.access.roles import Role
from graphql_api.execution.context import ColumnsRead
from graphql_api.execution.steps import Steps
from graphql_api.loaders.columns import columns_for
from graphql_api.loaders.registry import Loaders


class Context:
    """The database, the loaders, the view counter and the client of one request.

    `viewed` holds the ids of the books whose view is already counted. A mutation has its `steps`, and a
    WriteSession as its database.
    """

    __slots__ = ("database", "loaders", "principal", "steps", "view_counter", "viewed")

    def __init__(
        self,
        view_counter: ViewCounter,
        database: Database,
        loaders: Loaders | None = None,
        *,
        principal: Principal = PUBLIC,
        steps: Steps | None = None,
    ) -> None:
        self.view_counter = view_counter
        self.database = database
        self.loaders = loaders or Loaders(database)
        self.principal = principal
        self.steps = steps or Steps()
        self.viewed: set[int] = set()

    @property
    def sees_unpublished(self) -> bool:
        """Whether look-ups by a key find books that are off sale."""
        return self.principal.role >= Role.EDITOR

    @property
    def write_session(self) -> WriteSession:
        """The transaction of a mutation. Raises TypeError for another operation."""
        if not isinstance(self.database, WriteSession):
            raise TypeError(f"a mutation needs a write session, not {self.database!r}")
        return self.database

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
        return self._with_loaders(loaders, self.steps)

    async def close(self) -> None:
        """Unpin the connection that `for_plan` pinned."""
        if isinstance(self.database, ReadSession):
            self.database.unpin()

    def for_fallback(self) -> "Context":
        """Return a context for running the operation with graphql-core, reusing the values loaded so far."""
        context = self._with_loaders(self.loaders.for_fallback(), self.steps.from_start())
        context.viewed = self.viewed
        return context

    def forget_loaded(self) -> None:
        """Read everything again from here on, because it may have changed."""
        self.loaders = self.loaders.without_values()

    def _with_loaders(self, loaders: Loaders, steps: Steps) -> "Context":
        return Context(self.view_counter, self.database, loaders, principal=self.principal, steps=steps)
