"""The variables of an operation: their types, and the coercion of their values in each request."""

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

CoercedVariables = Mapping[str, Any]

NO_VARIABLES: CoercedVariables = {}


class Variables:
    """An operation's variables: `types` by name, and the names of those that are `always_set` to a value."""

    def __init__(self, schema: GraphQLSchema, operation: OperationDefinitionNode) -> None:
        self.schema = schema
        self.definitions = operation.variable_definitions or ()
        self.types = {
            each.variable.name.value: cast("GraphQLInputType", type_from_ast(schema, each.type))
            for each in self.definitions
        }
        self.always_set = {
            each.variable.name.value
            for each in self.definitions
            if each.default_value or is_non_null_type(self.types[each.variable.name.value])
        }
        self._leaf_coercers = [_leaf_coercer(each, self.types) for each in self.definitions]

    def coerce(self, raw_values: Mapping[str, Any] | None) -> CoercedVariables | None:
        """Return the coerced values of the variables that have one.

        Return None if a value cannot be coerced; graphql-core then reports the error.
        """
        if not self.definitions:
            return NO_VARIABLES
        raw_values = raw_values or NO_VARIABLES
        if None in self._leaf_coercers:
            values = get_variable_values(self.schema, self.definitions, dict(raw_values))
            return None if isinstance(values, list) else values.coerced
        coerced: dict[str, Any] = {}
        for name, required, coerce in self._leaf_coercers:  # type: ignore[misc] - none is None
            value = raw_values.get(name)
            if value is not None:
                try:
                    coerced_value = coerce(value)
                except Exception:
                    return None
                if coerced_value is Undefined:
                    return None
                coerced[name] = coerced_value
            elif required:
                return None
            elif name in raw_values:
                coerced[name] = None
        return coerced


def _leaf_coercer(
    definition: VariableDefinitionNode, types: Mapping[str, GraphQLInputType]
) -> tuple[str, bool, Callable[[Any], Any]] | None:
    """Return a variable's name, whether it is required, and the coercer of its value.

    Return None unless the type is a scalar or an enum without a default.
    """
    name = definition.variable.name.value
    type_ = types[name]
    required = is_non_null_type(type_)
    named = type_.of_type if is_non_null_type(type_) else type_
    if definition.default_value or not is_leaf_type(named):
        return None
    return name, required, named.coerce_input_value
