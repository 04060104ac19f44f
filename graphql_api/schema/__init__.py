"""The GraphQL schema: types, queries, inputs, pagination, scalars and errors."""

from copy import copy
from functools import cache
from typing import Any

import strawberry
from graphql import DirectiveLocation, GraphQLDirective, is_enum_type, is_object_type
from strawberry.schema.config import StrawberryConfig
from strawberry.types.base import StrawberryObjectDefinition, get_object_definition
from strawberry.types.field import StrawberryField

from graphql_api.access.roles import Role
from graphql_api.schema.mutations.mutation import Mutation
from graphql_api.schema.queries import Query
from graphql_api.schema.restrictions import allowed_fields, remove_restricted_values
from graphql_api.schema.scalars import SCALARS
from graphql_api.schema.types import Author, Book, Category, Series, Work

__all__ = ["Schema", "schema", "schema_for"]


_DESCRIPTION = (
    "The catalog of a bookstore: books, their authors and a tree of categories.\n\n"
    "Begin with `books`: narrow it by `filter`, and read on with `after`, the `endCursor` of a page; `node` "
    "finds any object by its `id`.\n\n"
    "What is not found is null without an error, and every error has an `extensions.code`."
)


class Schema(strawberry.Schema):
    """Strawberry's schema of one role, with five changes.

    - It has only what the role may use, and the types that this refers to. It has no mutation type for a role
      that may use no mutation.
    - Errors are not logged here. The HTTP layer formats and logs them.
    - `is_type_of` checks are removed. Every value is a record of `db` that knows its type name.
    - It has a description, which Strawberry's schemas cannot have.
    - `@deprecated` is not allowed on definitions of directives. Clients built on graphql-core 3.2 do not know
      this location, and cannot build a schema from introspection that lists it.
    """

    def __init__(
        self,
        query: type,
        mutation: type | None = None,
        *,
        role: Role = Role.MANAGER,
        description: str | None = None,
        **options: Any,
    ) -> None:
        self.role = role
        if mutation and not self.get_fields(get_object_definition(mutation, strict=True)):
            mutation = None
        super().__init__(query, mutation, **options)  # pyright: ignore[reportUnknownMemberType]
        self._schema.description = description
        for graphql_type in self._schema.type_map.values():
            if is_object_type(graphql_type):
                graphql_type.is_type_of = None
            elif is_enum_type(graphql_type):
                remove_restricted_values(role, graphql_type)
        self._schema.directives = tuple(map(_without_new_locations, self._schema.directives))

    def get_fields(self, type_definition: StrawberryObjectDefinition) -> list[StrawberryField]:
        """Return the fields of a type, an interface or an input that the role may use."""
        return allowed_fields(self.role, super().get_fields(type_definition))

    def as_str(self) -> str:
        """Return the schema in the schema definition language, with its description first."""
        schema = self._schema
        if not schema.description:
            return super().as_str()
        roots = {"query": schema.query_type, "mutation": schema.mutation_type}
        lines = [f"  {operation}: {root.name}" for operation, root in roots.items() if root]
        return "\n".join(['"""', schema.description, '"""', "schema {", *lines, "}", "", super().as_str()])

    def process_errors(self, errors: object, execution_context: object = None) -> None:
        """Do nothing: `format_error` handles the errors."""


def _without_new_locations(directive: GraphQLDirective) -> GraphQLDirective:
    """Return a copy of the directive that is not allowed on definitions of directives."""
    copied = copy(directive)
    copied.locations = tuple(
        each for each in directive.locations if each is not DirectiveLocation.DIRECTIVE_DEFINITION
    )
    return copied


@cache
def schema_for(role: Role) -> Schema:
    """Return the schema of a role, which is built once."""
    return Schema(
        Query,
        Mutation,
        role=role,
        description=_DESCRIPTION,
        types=[Book, Author, Category, Series, Work],
        config=StrawberryConfig(scalar_map=SCALARS),
    )


schema = schema_for(Role.PUBLIC)
"""The schema of clients without a key."""
