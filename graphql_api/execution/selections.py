"""What an operation selects of each type: fragments merged, and without what @skip and @include leave out."""

from collections.abc import Mapping
from typing import Any

from graphql import FragmentDefinitionNode, GraphQLObjectType, GraphQLSchema, OperationDefinitionNode
from graphql.execution.collect_fields import (
    CollectedFields,
    FieldDetails,
    FragmentDetails,
    collect_fields,
    collect_subfields,
)
from graphql.execution.values import VariableValues

from graphql_api.execution.arguments import Unplannable

Details = list[FieldDetails]
"""All places where an operation selects one field."""


class Selections:
    """An operation's selection sets. `flags` are the values of the variables in @skip and @include."""

    def __init__(
        self,
        schema: GraphQLSchema,
        operation: OperationDefinitionNode,
        fragments: Mapping[str, FragmentDefinitionNode],
        flags: Mapping[str, bool],
    ) -> None:
        self.schema = schema
        self.operation = operation
        self.fragments = {name: FragmentDetails(definition) for name, definition in fragments.items()}
        self.flags = VariableValues({}, dict(flags))

    def of_operation(self, kind: GraphQLObjectType) -> dict[str, Details]:
        """The fields at the root, by their keys in the answer."""
        return planned(collect_fields(self.schema, self.fragments, self.flags, kind, self.operation))

    def below(self, kind: GraphQLObjectType, details: Details) -> dict[str, Details]:
        """The fields of an object, by their keys in the answer."""
        return planned(
            collect_subfields(self.schema, self.fragments, self.flags, self.operation, kind, details)
        )

    def names_below(self, kind: Any, details: Details) -> dict[str, Details]:
        """The fields of an object by their names in the schema; of those with several aliases the first."""
        return {each[0].node.name.value: each for each in reversed(self.below(kind, details).values())}


def planned(collected: CollectedFields) -> dict[str, Details]:
    if collected.new_defer_usages:
        raise Unplannable("@defer")
    return collected.grouped_field_set
