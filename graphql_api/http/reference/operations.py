"""An operation to run for each root field: variables for what it must be given, and a short selection."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import quote

import orjson
from graphql import (
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLNamedType,
    GraphQLSchema,
    get_named_type,
    is_abstract_type,
    is_enum_type,
    is_input_object_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_required_argument,
    is_required_input_field,
    parse,
    print_ast,
)

from graphql_api.schema.ids import global_id

_PAGE_SIZE = 3
_MAX_LEAVES = 6
"""Maximum number of scalars and enum values that an operation selects of an object."""

_VALUES: Mapping[str, Any] = {
    "Query.suggest(prefix:)": "aus",
    "Query.booksByIsbn(isbns:)": ["9786900000968"],
    "BookLookup": {"isbn": "9786900000968"},
    "AuthorLookup": {"slug": "jane-austen"},
    "CategoryLookup": {"path": "fiction"},
    "SeriesLookup": {"slug": "voyages-extraordinaires"},
    "ID": global_id("Author", 1),
    "String": "Text",
    "Int": 1,
    "Float": 1.0,
    "Boolean": True,
    "Decimal": "9.90",
    "Date": "1937-09-21",
    "ISBN": "9786900000968",
}
"""Values of arguments and types. The keys of objects are those of the sample."""


@dataclass(frozen=True, slots=True)
class ExampleOperation:
    """An operation on one root field. `variables` is a JSON object."""

    text: str
    variables: str

    def to_fragment(self) -> str:
        """Return the fragment of the explorer's URL that opens the operation."""
        return f"#query={quote(self.text, safe='')}&variables={quote(self.variables, safe='')}"


def example_operation(
    schema: GraphQLSchema, operation: str, name: str, field: GraphQLField
) -> ExampleOperation:
    """Return an operation, `query` or `mutation`, on the root field of that name."""
    root = f"{operation.capitalize()}.{name}"
    declared: list[str] = []
    passed: list[str] = []
    variables: dict[str, Any] = {}
    for argument_name, argument in field.args.items():
        if is_required_argument(argument):
            variables[argument_name] = _value_of(argument.type, f"{root}({argument_name}:)")
        elif argument_name == "first":
            variables[argument_name] = _PAGE_SIZE
        else:
            continue
        declared.append(f"${argument_name}: {argument.type}")
        passed.append(f"{argument_name}: ${argument_name}")
    text = (
        f"{operation} {name[0].upper()}{name[1:]}{_in_parentheses(declared)} "
        f"{{ {name}{_in_parentheses(passed)} {_select(schema, get_named_type(field.type))} }}"
    )
    indented = orjson.dumps(variables, option=orjson.OPT_INDENT_2).decode()
    return ExampleOperation(print_ast(parse(text)) + "\n", indented if variables else "{}")


def _in_parentheses(parts: list[str]) -> str:
    return f"({', '.join(parts)})" if parts else ""


def _select(schema: GraphQLSchema, graphql_type: GraphQLNamedType) -> str:
    """Return a selection set; empty for a scalar or an enum."""
    if is_leaf_type(graphql_type):
        return ""
    fields = _fields_without_arguments(graphql_type)
    leaves = [name for name, field in fields.items() if is_leaf_type(get_named_type(field.type))]
    selections = leaves[:_MAX_LEAVES]
    if "pageInfo" in fields:
        nodes = _select(schema, get_named_type(fields["nodes"].type))
        selections = ["totalCount", f"nodes {nodes}", "pageInfo { hasNextPage endCursor }"]
    elif is_abstract_type(graphql_type):
        selections = selections or ["__typename"]
        types = schema.get_possible_types(graphql_type)
        selections += [f"... on {each.name} {_select(schema, each)}" for each in types]
    elif not leaves or "errors" in fields:
        selections += [
            f"{name} {_select(schema, get_named_type(field.type))}"
            for name, field in fields.items()
            if name not in leaves
        ]
    return f"{{ {' '.join(selections)} }}"


def _fields_without_arguments(graphql_type: GraphQLNamedType) -> dict[str, GraphQLField]:
    """Return the fields that need no argument and are not deprecated."""
    fields = cast("dict[str, GraphQLField]", getattr(graphql_type, "fields", {}))
    return {
        name: field
        for name, field in fields.items()
        if field.deprecation_reason is None and not any(map(is_required_argument, field.args.values()))
    }


def _value_of(input_type: Any, coordinate: str = "") -> Any:
    """Return a value of an input type."""
    if coordinate in _VALUES:
        return _VALUES[coordinate]
    if is_non_null_type(input_type):
        return _value_of(input_type.of_type)
    if is_list_type(input_type):
        return [_value_of(input_type.of_type)]
    if input_type.name in _VALUES:
        return _VALUES[input_type.name]
    if is_enum_type(input_type):
        return next(iter(input_type.values))
    if is_input_object_type(input_type):
        return _input_object(input_type)
    return "Text"


def _input_object(input_type: GraphQLInputObjectType) -> dict[str, Any]:
    """Return the required fields; of an input with exactly one field, the first."""
    fields = input_type.fields
    if input_type.is_one_of:
        name = next(iter(fields))
        return {name: _value_of(fields[name].type)}
    return {name: _value_of(field.type) for name, field in fields.items() if is_required_input_field(field)}
