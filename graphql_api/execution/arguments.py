"""A field's arguments as a plan writes them: what the document fixes is made once and stands as a constant,
what variables say is read where it is passed."""

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

from graphql_api.execution.source import Source
from graphql_api.execution.variables import NONE, Values, Variables

INLINE = (int, bool, type(None))
"""Values that are as readable in a plan's source as a name for them is."""


class Unplannable(Exception):
    """The operation holds something that plans do not cover; the message says what."""


class NotSimple(Exception):
    """The arguments take more than to read variables: each request coerces them as stock execution does."""


@dataclass(frozen=True, slots=True)
class ArgumentWriter:
    """Writes the arguments of a field's call."""

    schema: Schema
    source: Source
    variables: Variables

    def written(
        self,
        field: GraphQLField,
        arguments: list[StrawberryArgument],
        node: FieldNode,
        function: Callable[..., Any],
    ) -> list[str]:
        """The keyword arguments of a call of the field's function.

        Raises GraphQLError where an argument cannot be coerced in any request.
        """
        if not field.args:
            return []
        for argument in node.arguments or ():
            if varies_within_scalar(argument.value, field.args[argument.name.value].type):
                raise Unplannable("variables within the literal of a scalar")
        try:
            return self.simple(field, arguments, node, function)
        except NotSimple:
            name = node.name.value
            made = self.source.constant(f"arguments_of_{name}", self.coercion(field, arguments, node))
            return [f"**{made}(variables)"]

    def coercion(
        self, field: GraphQLField, arguments: list[StrawberryArgument], node: FieldNode
    ) -> Callable[[Values], Mapping[str, Any]]:
        """A function of the variables that makes the keyword arguments; it raises GraphQLError."""

        def made(variables: Values) -> Mapping[str, Any]:
            values = get_argument_values(field, node, VariableValues({}, dict(variables)))
            registry = self.schema.schema_converter.scalar_registry
            return convert_arguments(values, arguments, registry, self.schema.config)

        if not variables_in(node):
            made(NONE)
        return made

    def simple(
        self,
        field: GraphQLField,
        arguments: list[StrawberryArgument],
        node: FieldNode,
        function: Callable[..., Any],
    ) -> list[str]:
        if not variables_in(node):
            values = self.coercion(field, arguments, node)(NONE)
            return [f"{name}={self.constant(name, value)}" for name, value in values.items()]
        given = {each.name.value: each.value for each in node.arguments or ()}
        parameters = signature(function).parameters
        written: list[str] = []
        for argument in arguments:
            name = self.schema.config.name_converter.from_argument(argument)
            if argument.python_name not in parameters:
                raise NotSimple
            default = parameters[argument.python_name].default
            if name not in given:
                if default is Parameter.empty:
                    raise NotSimple
                continue
            kind = field.args[name].type
            value = self.value(given[name], kind, argument.type, argument.python_name, default)
            written.append(f"{argument.python_name}={value}")
        return written

    def value(self, node: ValueNode, kind: GraphQLInputType, type_: Any, name: str, default: Any) -> str:
        """The expression of an argument's value; `default` is taken when a variable has none."""
        if isinstance(node, VariableNode):
            return self.variable(node.name.value, kind, name, default)
        if not variables_in(node):
            return self.constant(name, self.literal(node, kind, type_))
        required = kind.of_type if is_non_null_type(kind) else kind
        if is_input_object_type(required) and isinstance(node, ObjectValueNode):
            return self.input_object(node, required, type_)
        raise NotSimple

    def variable(self, variable: str, kind: GraphQLInputType, name: str, default: Any) -> str:
        variables = self.variables
        if not is_leaf_type(kind.of_type if is_non_null_type(kind) else kind):
            raise NotSimple
        if is_non_null_type(kind) and not is_non_null_type(variables.types[variable]):
            raise NotSimple
        key = repr(name) if variable == name else self.source.constant(f"variable_of_{name}", variable)
        if variable in variables.certain:
            return f"variables[{key}]"
        if default is Parameter.empty:
            raise NotSimple
        return f"variables.get({key}, {self.constant(f'default_of_{name}', default)})"

    def input_object(self, node: ObjectValueNode, kind: Any, type_: Any) -> str:
        made = type_.of_type if isinstance(type_, StrawberryOptional) else type_
        if not has_object_definition(made) or made.__strawberry_definition__.from_input:
            raise NotSimple
        given = {each.name.value: each.value for each in node.fields}
        if kind.is_one_of and len(given) != 1:
            raise NotSimple
        written: list[str] = []
        definition = made.__strawberry_definition__
        for field in definition.fields:
            name = self.schema.config.name_converter.from_field(field)
            if name in given:
                inner = field.resolve_type(type_definition=definition)
                python_name = field.python_name
                value = self.value(given[name], kind.fields[name].type, inner, python_name, Parameter.empty)
                written.append(f"{python_name}={value}")
            elif is_non_null_type(kind.fields[name].type) and kind.fields[name].default_value is Undefined:
                raise NotSimple
            elif field.default is MISSING and field.default_factory is MISSING:
                written.append(f"{field.python_name}=None")
        return f"{self.source.constant(made.__name__, made)}({', '.join(written)})"

    def literal(self, node: ValueNode, kind: GraphQLInputType, type_: Any) -> Any:
        value = coerce_input_literal(node, kind)
        if value is Undefined:
            raise NotSimple
        return convert_argument(
            value, type_, self.schema.schema_converter.scalar_registry, self.schema.config
        )

    def constant(self, name: str, value: Any) -> str:
        return repr(value) if type(value) in INLINE else self.source.constant(name, value)


def varies_within_scalar(node: ValueNode, kind: GraphQLInputType) -> bool:
    """Whether a list or object that is a scalar's literal holds variables."""
    if is_non_null_type(kind):
        return varies_within_scalar(node, kind.of_type)
    if is_list_type(kind):
        items = node.values if isinstance(node, ListValueNode) else [node]
        return any(varies_within_scalar(item, kind.of_type) for item in items)
    if is_input_object_type(kind):
        fields = node.fields if isinstance(node, ObjectValueNode) else ()
        return any(varies_within_scalar(each.value, kind.fields[each.name.value].type) for each in fields)
    return isinstance(node, ListValueNode | ObjectValueNode) and bool(variables_in(node))


class Uses(Visitor):
    """Collects the names of variables."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_variable(self, node: VariableNode, *_: Any) -> None:
        self.names.add(node.name.value)


def variables_in(node: Node) -> set[str]:
    """The names of the variables in a value, or in the arguments of a field or directive."""
    uses = Uses()
    for each in getattr(node, "arguments", None) or (() if isinstance(node, FieldNode) else (node,)):
        visit(each, uses)
    return uses.names
