"""Deprecations: the deprecated parts of the schema that operations use, and how often."""

from collections import Counter
from typing import Any

from graphql import (
    DocumentNode,
    EnumValueNode,
    FieldNode,
    GraphQLNamedType,
    GraphQLSchema,
    ObjectFieldNode,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    get_named_type,
    is_enum_type,
    separate_operations,
    visit,
)

MAX_COUNTED_USES = 1_000
"""Maximum number of pairs of an operation's name and a coordinate that are counted separately."""

OTHER_OPERATIONS = "-"
"""The name under which operations beyond MAX_COUNTED_USES are counted, and those without a name."""


def has_deprecations(schema: GraphQLSchema) -> bool:
    """Return whether a field, an argument, an input field or an enum value is deprecated."""
    return any(map(_has_deprecated_part, schema.type_map.values()))


def _has_deprecated_part(graphql_type: GraphQLNamedType) -> bool:
    parts: list[Any] = [*getattr(graphql_type, "fields", {}).values()]
    parts += [argument for part in parts for argument in getattr(part, "args", {}).values()]
    if is_enum_type(graphql_type):
        parts += graphql_type.values.values()
    return any(part.deprecation_reason is not None for part in parts)


def find_deprecated_uses(
    schema: GraphQLSchema, document: DocumentNode, operation_name: str | None
) -> tuple[str, ...]:
    """Return the coordinates of what is deprecated and what an operation names, sorted.

    Values of variables are not part of a document, so those of a request are not seen.
    """
    type_info = TypeInfo(schema)
    visitor = _DeprecationVisitor(type_info)
    visit(separate_operations(document)[operation_name or ""], TypeInfoVisitor(type_info, visitor))
    return tuple(sorted(visitor.coordinates))


class DeprecatedUses:
    """Counts the requests that use something deprecated, by the operation's name and the coordinate.

    Clients choose the names. The first MAX_COUNTED_USES pairs are counted separately, the others without a
    name.
    """

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()

    def expect(self, operation: str, coordinates: tuple[str, ...]) -> None:
        """Keep a place for an operation that is known at start, with the count 0."""
        for coordinate in coordinates:
            self.counts.setdefault((operation, coordinate), 0)

    def count(self, operation: str, coordinates: tuple[str, ...]) -> None:
        """Count one request."""
        for coordinate in coordinates:
            key = (operation, coordinate)
            if key not in self.counts and len(self.counts) >= MAX_COUNTED_USES:
                key = (OTHER_OPERATIONS, coordinate)
            self.counts[key] += 1


class _DeprecationVisitor(Visitor):
    """Collects the coordinates of deprecated parts. `type_info` follows the visit."""

    def __init__(self, type_info: TypeInfo) -> None:
        super().__init__()
        self.type_info = type_info
        self.coordinates: set[str] = set()

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        field = self.type_info.get_field_def()
        coordinate = f"{self.type_info.get_parent_type()}.{node.name.value}"
        self._add(field, coordinate)
        for argument in node.arguments or ():
            name = argument.name.value
            self._add(field and field.args.get(name), f"{coordinate}({name}:)")

    def enter_object_field(self, node: ObjectFieldNode, *_: Any) -> None:
        input_type = get_named_type(self.type_info.get_parent_input_type())
        fields = getattr(input_type, "fields", {})
        self._add(fields.get(node.name.value), f"{input_type}.{node.name.value}")

    def enter_enum_value(self, node: EnumValueNode, *_: Any) -> None:
        enum = get_named_type(self.type_info.get_input_type())
        self._add(self.type_info.get_enum_value(), f"{enum}.{node.value}")

    def _add(self, part: Any, coordinate: str) -> None:
        if part is not None and part.deprecation_reason is not None:
            self.coordinates.add(coordinate)
