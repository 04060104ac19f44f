"""The variables of an operation: their types, and the coercion of their values in each request."""

from collections.abc import Callable, Mapping
from typing import Any, cast

from graphql import (
    GraphQLInputType,
    GraphQLSchema,
    OperationDefinitionNode,
    VariableDefinitionNode,
    is_non_null_type,
    type_from_ast,
)
from graphql.execution.values import get_variable_values

from graphql_api.execution.inputs import CannotCompileInputError, compile_coercer

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
        self._coercers = [_compile_coercer(each, self.types) for each in self.definitions]

    def coerce(self, raw_values: Mapping[str, Any] | None) -> CoercedVariables | None:
        """Return the coerced values of the variables that have one.

        Return None if a value cannot be coerced; graphql-core then reports the error.
        """
        if not self.definitions:
            return NO_VARIABLES
        raw_values = raw_values or NO_VARIABLES
        if None in self._coercers:
            values = get_variable_values(self.schema, self.definitions, dict(raw_values))
            return None if isinstance(values, list) else values.coerced
        coerced: dict[str, Any] = {}
        for name, required, coerce in self._coercers:  # type: ignore[misc] - none is None
            value = raw_values.get(name)
            if value is not None:
                try:
                    coerced[name] = coerce(value)
                except Exception:
                    return None
            elif required:
                return None
            elif name in raw_values:
                coerced[name] = None
        return coerced


def _compile_coercer(
    definition: VariableDefinitionNode, types: Mapping[str, GraphQLInputType]
) -> tuple[str, bool, Callable[[Any], Any]] | None:
    """Return a variable's name, whether it is required, and the coercer of its value.

    Return None if it has a default, or a type whose coercer cannot be compiled.
    """
    name = definition.variable.name.value
    type_ = types[name]
    if definition.default_value:
        return None
    try:
        return name, is_non_null_type(type_), compile_coercer(type_)
    except CannotCompileInputError:
        return None
