"""The variables of an operation: what can be known of them once, and their values in a request."""

from typing import Any

from graphql import GraphQLSchema, OperationDefinitionNode
from graphql.execution.values import VariableValues, get_variable_values


class Variables:
    """An operation's variables."""

    def __init__(self, schema: GraphQLSchema, operation: OperationDefinitionNode) -> None:
        self.definitions = operation.variable_definitions or ()
        self.schema = schema

    def values(self, given: dict[str, Any] | None) -> VariableValues | None:
        """The coerced values; None where they cannot be coerced, and stock execution says why."""
        if not self.definitions:
            return NONE
        values = get_variable_values(self.schema, self.definitions, given or {})
        return None if isinstance(values, list) else values


NONE = VariableValues({}, {})
