"""What a request carries to its resolvers."""

from dataclasses import dataclass

import strawberry

from db.pool import Database
from db.views import ViewLog
from graphql_api.loaders import Loaders


@dataclass(frozen=True, slots=True)
class Context:
    """The database, the view log, and the loaders of this one request."""

    database: Database
    views: ViewLog
    loaders: Loaders


Info = strawberry.Info[Context, None]
