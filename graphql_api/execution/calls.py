"""How a plan reads a field: an attribute, a resolver's call for one object, or a call for a whole level."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from types import NoneType
from typing import Any, get_args

from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLLeafType,
    GraphQLObjectType,
    GraphQLOutputType,
    is_leaf_type,
    is_non_null_type,
)
from strawberry import Schema
from strawberry.types.field import StrawberryField

from graphql_api.execution.arguments import ArgumentWriter, Unplannable
from graphql_api.execution.runtime import together
from graphql_api.execution.source import Source
from graphql_api.schema.fields import Ahead, Level

PYTHON: dict[str, type] = {"String": str, "ID": str, "Boolean": bool, "Int": int}
"""The types of Python whose values stand for themselves; integers where they have 32 bits, as columns do."""
IN_COLUMNS = {**PYTHON, "Float": float, "Date": date}
"""Those of columns: their numbers are finite, and JSON has their dates as the scalar does."""


def plain(leaf: GraphQLLeafType) -> type | None:
    """The type of Python whose values a leaf answers as they are."""
    return PYTHON.get(leaf.name) or (str if leaf.coerce_output_value is str else None)


@dataclass(frozen=True, slots=True)
class FieldUse:
    """A field of a type as an operation uses it. `level` is its level resolver, if it has one; `row` the
    kind of record behind the type, if it says so: its columns are read by their names."""

    owner: str
    field: GraphQLField
    definition: StrawberryField
    node: FieldNode
    level: Level | None
    row: type | None

    @property
    def name(self) -> str:
        return self.node.name.value

    @property
    def column(self) -> Any:
        """The annotation of the column that the field is; None if it is none."""
        return getattr(self.row, "__annotations__", {}).get(self.definition.python_name)

    @property
    def of_row(self) -> str | None:
        """The column that says whether there is an object, which stands in the same row."""
        return self.definition.metadata.get("of_row")

    @property
    def by_level(self) -> bool:
        """Whether it is resolved for all objects of a level together."""
        return self.level is not None or self.definition.is_async


@dataclass(frozen=True, slots=True)
class LevelCall:
    """A call for all objects of a position. What is awaited may first need a task to be under way."""

    text: str
    awaited: bool
    by_task: bool


def field_use(kind: GraphQLObjectType, node: FieldNode) -> FieldUse:
    """The use of a field; raises Unplannable where plans do not cover it."""
    name = node.name.value
    field = kind.fields.get(name)
    if field is None:
        raise Unplannable("introspection")
    definition = field.extensions.get("strawberry-definition")
    if not isinstance(definition, StrawberryField):
        raise Unplannable(f"{kind.name}.{name} is not a field of Strawberry's")
    if definition.extensions or definition.permission_classes:
        raise Unplannable(f"{kind.name}.{name} has extensions")
    resolver = definition.base_resolver
    level = getattr(resolver.wrapped_func, "level", None) if resolver else None
    if resolver and not level and resolver.info_parameter:
        raise Unplannable(f"{kind.name}.{name} asks for Info")
    return FieldUse(kind.name, field, definition, node, level, row_of(kind))


def row_of(kind: GraphQLObjectType) -> type | None:
    """The kind of record behind a type, if the type says so."""
    return getattr(getattr(kind.extensions.get("strawberry-definition"), "origin", None), "row", None)


def vouched(column: Any, kind: GraphQLOutputType) -> bool:
    """Whether a column of this annotation holds nothing but what the GraphQL type can, as it stands."""
    types = get_args(column) or (column,)
    leaf = kind.of_type if is_non_null_type(kind) else kind
    if column is None or not is_leaf_type(leaf) or (is_non_null_type(kind) and NoneType in types):
        return False
    python = IN_COLUMNS.get(leaf.name) or plain(leaf)
    return python is not None and [each for each in types if each is not NoneType] == [python]


@dataclass(frozen=True, slots=True)
class CallWriter:
    """Writes the calls and attributes that fields are read by, and notes which attributes those are."""

    schema: Schema
    source: Source
    arguments: ArgumentWriter
    reads: set[tuple[str, str]]

    def read(self, use: FieldUse, name: str) -> str:
        """The expression of a field's value for the one object in `name`."""
        self.note(use)
        resolver = use.definition.base_resolver
        if resolver is None:
            attribute, resolve = use.definition.python_name, self.schema.config.default_resolver
            self.reads.add((use.owner, attribute))
            if use.column:
                return f"{name}[{attribute!r}]"
            if resolve is getattr:
                return f"{name}.{attribute}"
            return f"{self.source.constant('default_resolver', resolve)}({name}, {attribute!r})"
        takers = {each.name for each in (resolver.parent_parameter, resolver.root_parameter) if each}
        function: Any = resolver.wrapped_func
        given = [name] if resolver.self_parameter else []
        given += [name if len(takers) == 1 and not given else f"{taker}={name}" for taker in sorted(takers)]
        given += self.written_arguments(use, function)
        called = self.source.constant(f"{use.name}_of_{use.owner}", function)
        return f"{called}({', '.join(given)})"

    def vouched(self, use: FieldUse, name: str) -> str | None:
        """The expression of a leaf that is never of another type than the field's, nor null where that cannot
        be: the database vouches for the column, or the schema for the resolver. None where nobody does."""
        resolver = use.definition.base_resolver
        sure = use.definition.metadata.get("vouched") if resolver else vouched(use.column, use.field.type)
        return self.read(use, name) if sure else None

    def level(self, use: FieldUse, objects: str, ahead: Sequence[FieldUse] = ()) -> LevelCall:
        """The call of a field for all the objects in the list `objects`. It is told of what is `ahead`: a
        connection, and that connection again of its nodes, and so on."""
        if use.level is None:
            each = self.read(use, "each")
            gather = self.source.constant("together", together)
            return LevelCall(f"{gather}([{each} for each in {objects}])", awaited=True, by_task=True)
        self.note(use)
        resolve = use.level.resolve
        function = self.source.constant(f"{use.name}_of_{use.owner}", resolve)
        arguments = self.written_arguments(use, resolve)
        if ahead:
            arguments.append(f"ahead={self.told_ahead(ahead)}")
        given = ", ".join([objects, "context", *arguments])
        return LevelCall(f"{function}({given})", use.level.awaited, use.level.started_by_task)

    def told_ahead(self, ahead: Sequence[FieldUse]) -> str:
        first, *again = ahead
        known = ", ".join(self.written_arguments(first, first.level.resolve)) if first.level else ""
        below = f", {self.told_ahead(again)}" if again else ""
        return f"{self.source.constant('Ahead', Ahead)}({first.name!r}, dict({known}){below})"

    def written_arguments(self, use: FieldUse, function: Callable[..., Any]) -> list[str]:
        return self.arguments.written(use.field, use.definition.arguments, use.node, function)

    def note(self, use: FieldUse) -> None:
        self.reads.update((use.owner, name) for name in use.definition.metadata.get("reads", ()))
