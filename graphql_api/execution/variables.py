"""The variables of an operation: what can be known of them once, and their values in a request."""

from collections.abc import Callable, Mapping
from typing import Any, cast

from graphql import (
    GraphQLInputType,
    GraphQLSchema,
    OperationDefinitionNode,
    Undefined,
    VariableDefinitionNode,
    is_leaf_type,
    is_non_null_type,
    type_from_ast,
)
from graphql.execution.values import get_variable_values

Values = Mapping[str, Any]

NONE: Values = {}


class Variables:
    """An operation's variables. `types` has the type of each, `certain` those that always have a value."""

    def __init__(self, schema: GraphQLSchema, operation: OperationDefinitionNode) -> None:
        self.schema = schema
        self.definitions = operation.variable_definitions or ()
        self.types = {
            each.variable.name.value: cast("GraphQLInputType", type_from_ast(schema, each.type))
            for each in self.definitions
        }
        self.certain = {
            each.variable.name.value
            for each in self.definitions
            if each.default_value or is_non_null_type(self.types[each.variable.name.value])
        }
        self.leaves = [leaf_of(each, self.types) for each in self.definitions]

    def values(self, given: Mapping[str, Any] | None) -> Values | None:
        """The coerced values of those that have one; None where they cannot be coerced, and stock execution
        says why."""
        if not self.definitions:
            return NONE
        given = given or NONE
        if None in self.leaves:
            values = get_variable_values(self.schema, self.definitions, dict(given))
            return None if isinstance(values, list) else values.coerced
        coerced: dict[str, Any] = {}
        for name, required, coerce in self.leaves:  # type: ignore[misc] - none is None
            value = given.get(name)
            if value is not None:
                try:
                    made = coerce(value)
                except Exception:
                    return None
                if made is Undefined:
                    return None
                coerced[name] = made
            elif required:
                return None
            elif name in given:
                coerced[name] = None
        return coerced


def leaf_of(
    definition: VariableDefinitionNode, types: Mapping[str, GraphQLInputType]
) -> tuple[str, bool, Callable[[Any], Any]] | None:
    """The name of a variable, whether it must be given, and how its value is coerced; None where that takes
    more than the call of a scalar or an enum."""
    name = definition.variable.name.value
    kind = types[name]
    required = is_non_null_type(kind)
    named = kind.of_type if is_non_null_type(kind) else kind
    if definition.default_value or not is_leaf_type(named):
        return None
    return name, required, named.coerce_input_value
