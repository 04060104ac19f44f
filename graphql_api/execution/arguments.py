"""Compile a field's arguments: literals become constants of the plan, variables are read at the call."""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass
from inspect import Parameter, signature
from typing import Any

from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLInputType,
    ListValueNode,
    Node,
    ObjectValueNode,
    Undefined,
    ValueNode,
    VariableNode,
    Visitor,
    is_input_object_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    visit,
)
from graphql.execution.values import VariableValues, get_argument_values
from graphql.utilities import coerce_input_literal
from strawberry import Schema
from strawberry.types.arguments import StrawberryArgument, convert_argument, convert_arguments
from strawberry.types.base import StrawberryOptional, has_object_definition

from graphql_api.execution.inputs import CannotCompileInputError, compile_converter
from graphql_api.execution.source import SourceBuilder
from graphql_api.execution.variables import NO_VARIABLES, CoercedVariables, Variables

_INLINE_TYPES = (int, bool, type(None))
"""Types of the values that a plan's source holds as literals instead of named constants."""


class CannotCompileError(Exception):
    """The operation uses a feature that plans do not support; the message names it."""


class NeedsCoercionError(Exception):
    """The arguments cannot be read from variables directly; graphql-core's coercion runs in each request."""


@dataclass(frozen=True, slots=True)
class ArgumentCompiler:
    """Compiles the arguments of a field's call to source."""

    schema: Schema
    source: SourceBuilder
    variables: Variables

    def compile(
        self,
        field: GraphQLField,
        arguments: list[StrawberryArgument],
        node: FieldNode,
        function: Callable[..., Any],
    ) -> list[str]:
        """Return the keyword arguments of a call of the field's function, as source.

        Raise GraphQLError if an argument cannot be coerced in any request.
        """
        if not field.args:
            return []
        for argument in node.arguments or ():
            if _has_variable_in_scalar_literal(argument.value, field.args[argument.name.value].type):
                raise CannotCompileError("variables within the literal of a scalar")
        try:
            return self._compile_simple(field, arguments, node, function)
        except NeedsCoercionError:
            name = node.name.value
            coercer = self.source.add_constant(f"arguments_of_{name}", self._coercer(field, arguments, node))
            return [f"**{coercer}(variables)"]

    def _coercer(
        self, field: GraphQLField, arguments: list[StrawberryArgument], node: FieldNode
    ) -> Callable[[CoercedVariables], Mapping[str, Any]]:
        """Return a function that coerces the keyword arguments from the variables, or raises GraphQLError."""

        def coerce(variables: CoercedVariables) -> Mapping[str, Any]:
            values = get_argument_values(field, node, VariableValues({}, dict(variables)))
            registry = self.schema.schema_converter.scalar_registry
            return convert_arguments(values, arguments, registry, self.schema.config)

        if not variables_in(node):
            coerce(NO_VARIABLES)
        return coerce

    def _compile_simple(
        self,
        field: GraphQLField,
        arguments: list[StrawberryArgument],
        node: FieldNode,
        function: Callable[..., Any],
    ) -> list[str]:
        if not variables_in(node):
            values = self._coercer(field, arguments, node)(NO_VARIABLES)
            return [f"{name}={self._constant(name, value)}" for name, value in values.items()]
        value_nodes = {each.name.value: each.value for each in node.arguments or ()}
        parameters = signature(function).parameters
        compiled: list[str] = []
        for argument in arguments:
            name = self.schema.config.name_converter.from_argument(argument)
            if argument.python_name not in parameters:
                raise NeedsCoercionError
            default = parameters[argument.python_name].default
            if name not in value_nodes:
                if default is Parameter.empty:
                    raise NeedsCoercionError
                continue
            input_type = field.args[name].type
            value = self._compile_value(
                value_nodes[name], input_type, argument.type, argument.python_name, default
            )
            compiled.append(f"{argument.python_name}={value}")
        return compiled

    def _compile_value(
        self, node: ValueNode, input_type: GraphQLInputType, strawberry_type: Any, name: str, default: Any
    ) -> str:
        """Return the expression of an argument's value. `default` applies if a variable has no value."""
        if isinstance(node, VariableNode):
            if is_leaf_type(input_type.of_type if is_non_null_type(input_type) else input_type):
                return self._compile_variable(node.name.value, input_type, name, default)
            return self._compile_converted_variable(node.name.value, input_type, strawberry_type, name)
        if not variables_in(node):
            return self._constant(name, self._coerce_literal(node, input_type, strawberry_type))
        required = input_type.of_type if is_non_null_type(input_type) else input_type
        if is_input_object_type(required) and isinstance(node, ObjectValueNode):
            return self._compile_input_object(node, required, strawberry_type)
        raise NeedsCoercionError

    def _compile_variable(self, variable: str, input_type: GraphQLInputType, name: str, default: Any) -> str:
        variables = self.variables
        if is_non_null_type(input_type) and not is_non_null_type(variables.types[variable]):
            raise NeedsCoercionError
        key = repr(name) if variable == name else self.source.add_constant(f"variable_of_{name}", variable)
        if variable in variables.always_set:
            return f"variables[{key}]"
        if default is Parameter.empty:
            raise NeedsCoercionError
        return f"variables.get({key}, {self._constant(f'default_of_{name}', default)})"

    def _compile_converted_variable(
        self, variable: str, input_type: GraphQLInputType, strawberry_type: Any, name: str
    ) -> str:
        """Return the expression of a variable whose type is a list or an input object."""
        if variable not in self.variables.always_set:
            raise NeedsCoercionError
        try:
            convert = compile_converter(self.schema, input_type, strawberry_type)
        except CannotCompileInputError:
            raise NeedsCoercionError from None
        value = self._compile_variable(variable, input_type, name, Parameter.empty)
        return f"{self.source.add_constant(f'convert_{name}', convert)}({value})" if convert else value

    def _compile_input_object(self, node: ObjectValueNode, input_type: Any, strawberry_type: Any) -> str:
        input_class = (
            strawberry_type.of_type if isinstance(strawberry_type, StrawberryOptional) else strawberry_type
        )
        if not has_object_definition(input_class) or input_class.__strawberry_definition__.from_input:
            raise NeedsCoercionError
        value_nodes = {each.name.value: each.value for each in node.fields}
        if input_type.is_one_of and len(value_nodes) != 1:
            raise NeedsCoercionError
        compiled: list[str] = []
        definition = input_class.__strawberry_definition__
        for field in definition.fields:
            name = self.schema.config.name_converter.from_field(field)
            input_field = input_type.fields.get(name)  # None if the schema leaves it out
            if name in value_nodes:
                field_type = field.resolve_type(type_definition=definition)
                python_name = field.python_name
                value = self._compile_value(
                    value_nodes[name], input_field.type, field_type, python_name, Parameter.empty
                )
                compiled.append(f"{python_name}={value}")
            elif (
                input_field and is_non_null_type(input_field.type) and input_field.default_value is Undefined
            ):
                raise NeedsCoercionError
            elif field.default is MISSING and field.default_factory is MISSING:
                compiled.append(f"{field.python_name}=None")
        return f"{self.source.add_constant(input_class.__name__, input_class)}({', '.join(compiled)})"

    def _coerce_literal(self, node: ValueNode, input_type: GraphQLInputType, strawberry_type: Any) -> Any:
        value = coerce_input_literal(node, input_type)
        if value is Undefined:
            raise NeedsCoercionError
        return convert_argument(
            value, strawberry_type, self.schema.schema_converter.scalar_registry, self.schema.config
        )

    def _constant(self, name: str, value: Any) -> str:
        return repr(value) if type(value) in _INLINE_TYPES else self.source.add_constant(name, value)


def _has_variable_in_scalar_literal(node: ValueNode, input_type: GraphQLInputType) -> bool:
    """Return whether a scalar's literal is a list or object that contains variables."""
    if is_non_null_type(input_type):
        return _has_variable_in_scalar_literal(node, input_type.of_type)
    if is_list_type(input_type):
        items = node.values if isinstance(node, ListValueNode) else [node]
        return any(_has_variable_in_scalar_literal(item, input_type.of_type) for item in items)
    if is_input_object_type(input_type):
        fields = node.fields if isinstance(node, ObjectValueNode) else ()
        return any(
            _has_variable_in_scalar_literal(each.value, input_type.fields[each.name.value].type)
            for each in fields
        )
    return isinstance(node, ListValueNode | ObjectValueNode) and bool(variables_in(node))


class _VariableCollector(Visitor):
    """Collects the names of the variables in a syntax tree."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_variable(self, node: VariableNode, *_: Any) -> None:
        self.names.add(node.name.value)


def variables_in(node: Node) -> set[str]:
    """Return the names of the variables in a value, or in the arguments of a field or directive."""
    collector = _VariableCollector()
    for each in getattr(node, "arguments", None) or (() if isinstance(node, FieldNode) else (node,)):
        visit(each, collector)
    return collector.names
