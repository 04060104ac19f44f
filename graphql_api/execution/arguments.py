"""A field's arguments, made ready once where the document fixes them and per request where variables do."""

from collections.abc import Callable, Mapping
from typing import Any

from graphql import DirectiveNode, FieldNode, GraphQLField, VariableNode, Visitor, visit
from graphql.execution.values import VariableValues, get_argument_values
from strawberry import Schema
from strawberry.types.arguments import convert_arguments
from strawberry.types.field import StrawberryField

Arguments = Mapping[str, Any]
NO_VARIABLES = VariableValues({}, {})


class Uses(Visitor):
    """Collects the names of variables."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_variable(self, node: VariableNode, *_: Any) -> None:
        self.names.add(node.name.value)


def variables_in(node: FieldNode | DirectiveNode) -> set[str]:
    """The names of the variables in the arguments of a field or directive."""
    uses = Uses()
    for argument in node.arguments or ():
        visit(argument, uses)
    return uses.names


def arguments_of(
    schema: Schema, field: GraphQLField, definition: StrawberryField, node: FieldNode
) -> Arguments | Callable[[VariableValues], Arguments]:
    """The arguments as the resolver takes them, or a function of the variables that makes them.

    Both raise GraphQLError where an argument cannot be coerced.
    """

    def made(variables: VariableValues) -> Arguments:
        values = get_argument_values(field, node, variables)
        return convert_arguments(
            values,
            definition.arguments,
            scalar_registry=schema.schema_converter.scalar_registry,
            config=schema.config,
        )

    return made if variables_in(node) else made(NO_VARIABLES)
