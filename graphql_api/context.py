# pyright: basic, reportPrivateUsage=false
"""What a request carries to its resolvers."""

from dataclasses import dataclass, field, replace

import strawberry

from db.views import ViewLog
from graphql_api.loaders import Loaders


@dataclass(frozen=True, slots=True)
class Context:
    """The view log, and the loaders of this one request. `viewed` holds the books it has looked up."""

    views: ViewLog
    loaders: Loaders
    viewed: set[int] = field(default_factory=set)

    def view(self, book_id: int) -> None:
        """Note that a book is viewed, once a request."""
        if book_id not in self.viewed:
            self.viewed.add(book_id)
            self.views.note(book_id)

    def again(self) -> "Context":
        """A context to run the same operation once more, without reading again what was read."""
        return replace(self, loaders=self.loaders.again())


Info = strawberry.Info[Context, None]
