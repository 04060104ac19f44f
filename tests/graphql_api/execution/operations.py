"""Draw random operations from a schema: fields, fragments, directives, aliases, arguments and variables."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    is_composite_type,
    is_required_argument,
)
from hypothesis import strategies as st

Composite = GraphQLObjectType | GraphQLInterfaceType | GraphQLUnionType


@dataclass
class DrawnOperation:
    """A drawn document with the values of its variables."""

    document: str
    variables: dict[str, Any]


@dataclass
class OperationDrawer:
    """Draws one document.

    `values` has strategies by argument name, or else by scalar name. `rare` fields are selected rarely. `operation` is
    query or mutation.
    """

    schema: GraphQLSchema
    values: dict[str, st.SearchStrategy[Any]]
    draw: Any
    depth: int
    rare: frozenset[str]
    operation: str = "query"
    variables: dict[str, tuple[str, Any]] = field(default_factory=dict)
    fragments: list[str] = field(default_factory=list)
    aliases: int = 0

    def draw_chance(self, one_in: int) -> bool:
        return self.draw(st.integers(1, one_in)) == one_in

    def draw_document(self) -> DrawnOperation:
        root = self.schema.mutation_type if self.operation == "mutation" else self.schema.query_type
        assert root is not None
        selection = self.draw_selection(root, self.depth)
        declared = ", ".join(f"${name}: {kind}" for name, (kind, _) in self.variables.items())
        head = f"{self.operation} Drawn{f'({declared})' if declared else ''} "
        given = {name: value for name, (_, value) in self.variables.items() if value is not OMITTED}
        return DrawnOperation(head + selection + "".join(self.fragments), given)

    def draw_selection(self, kind: Composite, depth: int) -> str:
        count = self.draw(st.integers(1, 4))
        return "{ " + " ".join(self.draw_selected(kind, depth) for _ in range(count)) + " }"

    def draw_selected(self, kind: Composite, depth: int) -> str:
        """Return a field, an inline fragment or a fragment spread."""
        if depth > 0 and self.draw_chance(6):
            return self.draw_fragment(kind, depth)
        fields = {} if isinstance(kind, GraphQLUnionType) else kind.fields
        usable = [
            name
            for name, each in fields.items()
            if depth > 0 or not is_composite_type(get_named_type(each.type))
        ]
        if not usable or self.draw_chance(10):
            return f"{self.draw_alias()}__typename{self.draw_directives()}"
        name = self.draw(st.sampled_from(usable))
        if name in self.rare and not self.draw_chance(20):
            return "__typename"
        chosen = fields[name]
        named = get_named_type(chosen.type)
        arguments = self.draw_arguments(chosen.args)
        inner = f" {self.draw_selection(named, depth - 1)}" if is_composite_type(named) else ""
        alias = self.draw_alias(always=bool(chosen.args))
        return f"{alias}{name}{arguments}{self.draw_directives()}{inner}"

    def draw_fragment(self, kind: Composite, depth: int) -> str:
        possible = (
            [kind] if isinstance(kind, GraphQLObjectType) else [kind, *self.schema.get_possible_types(kind)]
        )
        on = self.draw(st.sampled_from(possible))
        selection = self.draw_selection(on, depth - 1)
        if self.draw_chance(2):
            condition = f" on {on.name}" if on is not kind or self.draw_chance(2) else ""
            return f"...{condition}{self.draw_directives()} {selection}"
        name = f"F{len(self.fragments)}"
        self.fragments.append(f" fragment {name} on {on.name} {selection}")
        return f"...{name}{self.draw_directives()}" + (f" ...{name}" if self.draw_chance(3) else "")

    def draw_alias(self, *, always: bool = False) -> str:
        if not always and not self.draw_chance(4):
            return ""
        self.aliases += 1
        return f"a{self.aliases}: "

    def draw_directives(self) -> str:
        if not self.draw_chance(8):
            return ""
        name = self.draw(st.sampled_from(["skip", "include"]))
        if self.draw_chance(2):
            return f" @{name}(if: {self.draw(st.sampled_from(['true', 'false']))})"
        return f" @{name}(if: ${self.declare_variable('Boolean!', self.draw(st.booleans()))})"

    def declare_variable(self, kind: str, value: Any) -> str:
        name = f"v{len(self.variables)}"
        self.variables[name] = (kind, value)
        return name

    # Arguments

    def draw_arguments(self, arguments: dict[str, Any]) -> str:
        given = [
            f"{name}: {self.draw_argument(name, argument.type)}"
            for name, argument in arguments.items()
            if is_required_argument(argument) or self.draw_chance(2)
        ]
        return f"({', '.join(given)})" if given else ""

    def draw_argument(self, name: str, kind: GraphQLInputType) -> str:
        if not self.draw_chance(2):
            return print_literal(self.draw_value(name, kind), kind)
        declared = str(kind)
        value = self.draw_value(name, kind)
        if not isinstance(kind, GraphQLNonNull) and self.draw_chance(3):
            default = print_literal(self.draw_present_value(name, kind), kind)
            value = self.draw(st.sampled_from([OMITTED, value]))
            return f"${self.declare_variable(f'{declared} = {default}', value)}"
        if not isinstance(kind, GraphQLNonNull) and self.draw_chance(4):
            value = OMITTED
        return f"${self.declare_variable(declared, value)}"

    def draw_value(self, name: str, kind: GraphQLInputType) -> Any:
        if isinstance(kind, GraphQLNonNull):
            return self.draw_present_value(name, kind.of_type)
        return None if self.draw_chance(8) else self.draw_present_value(name, kind)

    def draw_present_value(self, name: str, kind: Any) -> Any:
        if isinstance(kind, GraphQLList):
            return [self.draw_value(name, kind.of_type) for _ in range(self.draw(st.integers(0, 3)))]
        if isinstance(kind, GraphQLEnumType):
            return self.draw(st.sampled_from(sorted(kind.values)))
        if isinstance(kind, GraphQLInputObjectType):
            if kind.extensions["strawberry-definition"].is_one_of:
                key = self.draw(st.sampled_from(sorted(kind.fields)))
                return {key: self.draw_present_value(key, get_named_type(kind.fields[key].type))}
            return {
                key: self.draw_value(key, each.type)
                for key, each in kind.fields.items()
                if isinstance(each.type, GraphQLNonNull)
                or self.draw_chance(8 if get_named_type(each.type) is kind else 2)
            }
        assert isinstance(kind, GraphQLScalarType)
        return self.draw(self.values[name if name in self.values else kind.name])


OMITTED = object()


def print_literal(value: Any, kind: GraphQLInputType) -> str:
    """Return a value as a GraphQL literal."""
    if isinstance(kind, GraphQLNonNull):
        kind = kind.of_type
    if value is None:
        return "null"
    if isinstance(kind, GraphQLList):
        return "[" + ", ".join(print_literal(each, kind.of_type) for each in value) + "]"
    if isinstance(kind, GraphQLInputObjectType):
        return (
            "{"
            + ", ".join(f"{key}: {print_literal(each, kind.fields[key].type)}" for key, each in value.items())
            + "}"
        )
    if isinstance(kind, GraphQLEnumType):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return '"' + re.sub("[\0-\x1f]", lambda found: f"\\u{ord(found[0]):04x}", escaped) + '"'
    return str(value)


def draw_operations(
    schema: GraphQLSchema,
    values: dict[str, st.SearchStrategy[Any]],
    *,
    depth: int,
    rare: Iterable[str] = (),
    operation: str = "query",
) -> st.SearchStrategy[DrawnOperation]:
    """Return a strategy of documents with one operation, most of which are valid."""

    @st.composite
    def drawn(draw: Any) -> DrawnOperation:
        return OperationDrawer(schema, values, draw, depth, frozenset(rare), operation).draw_document()

    return drawn()
