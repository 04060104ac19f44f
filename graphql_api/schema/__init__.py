"""The GraphQL schema: types, queries, inputs, pagination, scalars and errors."""

from copy import copy
from typing import Any

import strawberry
from graphql import DirectiveLocation, GraphQLDirective, is_object_type
from strawberry.schema.config import StrawberryConfig

from graphql_api.schema.mutations.mutation import Mutation
from graphql_api.schema.queries import Query
from graphql_api.schema.scalars import SCALARS
from graphql_api.schema.types import Author, Book, Category

__all__ = ["schema"]


class Schema(strawberry.Schema):
    """Strawberry's schema, with three changes.

    - Errors are not logged here. The HTTP layer formats and logs them.
    - `is_type_of` checks are removed. Every value is a record of `db` that knows its type name.
    - `@deprecated` is not allowed on definitions of directives. Clients built on graphql-core 3.2 do not know
      this location, and cannot build a schema from introspection that lists it.
    """

    def __init__(self, query: type, mutation: type | None = None, **options: Any) -> None:
        super().__init__(query, mutation, **options)  # pyright: ignore[reportUnknownMemberType]
        for graphql_type in self._schema.type_map.values():
            if is_object_type(graphql_type):
                graphql_type.is_type_of = None
        self._schema.directives = tuple(map(_without_new_locations, self._schema.directives))

    def process_errors(self, errors: object, execution_context: object = None) -> None:
        """Do nothing: `format_error` handles the errors."""


def _without_new_locations(directive: GraphQLDirective) -> GraphQLDirective:
    """Return a copy of the directive that is not allowed on definitions of directives."""
    copied = copy(directive)
    copied.locations = tuple(
        each for each in directive.locations if each is not DirectiveLocation.DIRECTIVE_DEFINITION
    )
    return copied


def _build(mutation: type | None) -> Schema:
    return Schema(
        Query, mutation, types=[Book, Author, Category], config=StrawberryConfig(scalar_map=SCALARS)
    )


schema = _build(None)
"""The schema of the public."""

manager_schema = _build(Mutation)
"""The schema of a manager: all fields."""
