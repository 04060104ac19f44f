"""The GraphQL schema: types, queries, inputs, pagination, scalars and errors."""

from typing import Any

import strawberry
from graphql import is_object_type
from strawberry.schema.config import StrawberryConfig

from graphql_api.schema.queries import Query
from graphql_api.schema.scalars import ISBN, ISBN_SCALAR
from graphql_api.schema.types import Author, Book, Category

__all__ = ["schema"]


class Schema(strawberry.Schema):
    """Strawberry's schema; errors are presented and logged where answers are made, not here.

    The values of its types are records of `db`, each of which knows its `entity`: nothing has to be tried
    to tell them apart.
    """

    def __init__(self, query: type, **options: Any) -> None:
        super().__init__(query, **options)  # pyright: ignore[reportUnknownMemberType]
        for kind in self._schema.type_map.values():
            if is_object_type(kind):
                kind.is_type_of = None

    def process_errors(self, errors: object, execution_context: object = None) -> None:
        """Leave the errors to `present`."""


schema = Schema(
    Query,
    types=[Book, Author, Category],
    config=StrawberryConfig(scalar_map={ISBN: ISBN_SCALAR}),
)
