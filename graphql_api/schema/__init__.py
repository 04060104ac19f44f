"""The GraphQL schema: types, queries, inputs, pagination, scalars and errors."""

import strawberry
from strawberry.schema.config import StrawberryConfig

from graphql_api.schema.queries import Query
from graphql_api.schema.scalars import ISBN, ISBN_SCALAR
from graphql_api.schema.types import Author, Book, Category

__all__ = ["schema"]


class Schema(strawberry.Schema):
    """Strawberry's schema; errors are presented and logged where answers are made, not here."""

    def process_errors(self, errors: object, execution_context: object = None) -> None:
        """Leave the errors to `present`."""


schema = Schema(
    Query,
    types=[Book, Author, Category],
    config=StrawberryConfig(scalar_map={ISBN: ISBN_SCALAR}),
)
