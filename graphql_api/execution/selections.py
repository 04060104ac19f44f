"""The fields that an operation selects of each type: fragments are merged, @skip and @include are applied."""

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

from graphql_api.execution.arguments import CannotCompileError

FieldDetailsList = list[FieldDetails]
"""All nodes with which an operation selects one field."""


class Selections:
    """An operation's selection sets. `condition_values` has the values of variables in @skip and @include."""

    def __init__(
        self,
        schema: GraphQLSchema,
        operation: OperationDefinitionNode,
        fragments: Mapping[str, FragmentDefinitionNode],
        condition_values: Mapping[str, bool],
    ) -> None:
        self.schema = schema
        self.operation = operation
        self.fragments = {name: FragmentDetails(definition) for name, definition in fragments.items()}
        self.condition_values = VariableValues({}, dict(condition_values))

    def root_fields(self, type_: GraphQLObjectType) -> dict[str, FieldDetailsList]:
        """Return the fields of the root object, by response key."""
        return _reject_defer(
            collect_fields(self.schema, self.fragments, self.condition_values, type_, self.operation)
        )

    def subfields(self, type_: GraphQLObjectType, details: FieldDetailsList) -> dict[str, FieldDetailsList]:
        """Return the fields of an object, by response key."""
        return _reject_defer(
            collect_subfields(
                self.schema, self.fragments, self.condition_values, self.operation, type_, details
            )
        )

    def subfields_by_name(self, type_: Any, details: FieldDetailsList) -> dict[str, FieldDetailsList]:
        """Return the fields of an object by field name; of several aliases of a field, the first."""
        return {each[0].node.name.value: each for each in reversed(self.subfields(type_, details).values())}


def _reject_defer(collected: CollectedFields) -> dict[str, FieldDetailsList]:
    """Return the collected fields. Raise CannotCompileError if a fragment has @defer."""
    if collected.new_defer_usages:
        raise CannotCompileError("@defer")
    return collected.grouped_field_set
