"""What a request carries to its resolvers."""

from dataclasses import dataclass

import strawberry

from db.pool import Database
from graphql_api.loaders import Loaders


@dataclass(frozen=True, slots=True)
class Context:
    """The database and the loaders of one request."""

    database: Database
    loaders: Loaders


Info = strawberry.Info[Context, None]
