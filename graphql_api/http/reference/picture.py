"""A picture of the schema: its object types, by their distance from the query type, as an SVG of links."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import escape
from typing import cast

from graphql import (
    GraphQLField,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
    is_object_type,
)

_WIDTH, _HEIGHT = 168, 34
_COLUMN_GAP, _ROW_GAP = 84, 14
_MARGIN = 8


@dataclass(frozen=True, slots=True)
class _Box:
    """A type and the position of its box."""

    name: str
    x: int
    y: int

    def is_left_of(self, other: "_Box") -> bool:
        return self.x < other.x

    def path_to(self, other: "_Box") -> str:
        """Return a curve from the right side of this box to the other one."""
        start_x, start_y = self.x + _WIDTH, self.y + _HEIGHT // 2
        end_x, end_y = other.x, other.y + _HEIGHT // 2
        bend = _COLUMN_GAP * 2 // 3
        if not self.is_left_of(other):
            end_x, bend = other.x + _WIDTH, _COLUMN_GAP // 2
            return f"M{start_x} {start_y}C{start_x + bend} {start_y} {end_x + bend} {end_y} {end_x} {end_y}"
        return f"M{start_x} {start_y}C{start_x + bend} {start_y} {end_x - bend} {end_y} {end_x} {end_y}"


def draw_schema(schema: GraphQLSchema) -> str:
    """Return the picture as an SVG element. Each type is a link to its part of the page.

    Connections, edges and pages are left out: a field that returns them leads to what they hold.
    """
    query = cast("GraphQLObjectType", schema.query_type)
    links = _links_from(schema, query)
    columns = _columns(query.name, links)
    boxes = {
        name: _Box(
            name,
            _MARGIN + column * (_WIDTH + _COLUMN_GAP),
            _MARGIN + row * (_HEIGHT + _ROW_GAP),
        )
        for column, names in enumerate(columns)
        for row, name in enumerate(names)
    }
    width = len(columns) * (_WIDTH + _COLUMN_GAP) - _COLUMN_GAP // 2 + 2 * _MARGIN
    height = max(map(len, columns)) * (_HEIGHT + _ROW_GAP) - _ROW_GAP + 2 * _MARGIN
    back = "".join(
        boxes[name].path_to(boxes[target])
        for name in boxes
        for target in links[name]
        if target != name and not boxes[name].is_left_of(boxes[target])
    )
    body = "".join(_draw_box(boxes[name], links[name], boxes) for name in boxes)
    label = "The types of the schema and where their fields lead"
    return (
        f'<svg width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="group" '
        f'aria-label="{label}"><path class="back" d="{back}"/>{body}</svg>'
    )


def _draw_box(box: _Box, links: dict[str, list[str]], boxes: dict[str, _Box]) -> str:
    forward = [boxes[name] for name in links if box.is_left_of(boxes[name])]
    curves = "".join(f'<path d="{box.path_to(target)}"/>' for target in forward)
    fields = "; ".join(f"{', '.join(names)}: {target}" for target, names in links.items())
    title = escape(f"{box.name} – {fields}" if fields else box.name)
    return (
        f'<a href="#{box.name}"><title>{title}</title>{curves}'
        f'<rect x="{box.x}" y="{box.y}" width="{_WIDTH}" height="{_HEIGHT}" rx="6"/>'
        f'<text x="{box.x + _WIDTH // 2}" y="{box.y + _HEIGHT // 2 + 5}">{box.name}</text></a>'
    )


def _links_from(schema: GraphQLSchema, root: GraphQLNamedType) -> dict[str, dict[str, list[str]]]:
    """Return for each type, by its name, the types that its fields lead to and the names of these fields."""
    links: dict[str, dict[str, list[str]]] = {}
    pending = [root]
    for graphql_type in pending:
        if graphql_type.name in links:
            continue
        targets = links[graphql_type.name] = {}
        for name, field in _fields(graphql_type).items():
            for target in _targets(schema, field):
                targets.setdefault(target.name, []).append(name)
                pending.append(target)
    return links


def _targets(schema: GraphQLSchema, field: GraphQLField) -> Iterator[GraphQLNamedType]:
    """Yield the types that a field leads to, through connections; all types of an interface or a union."""
    graphql_type = get_named_type(field.type)
    if is_leaf_type(graphql_type) or graphql_type.name == "PageInfo":
        return
    if is_abstract_type(graphql_type):
        yield from schema.get_possible_types(graphql_type)
    elif "pageInfo" in _fields(graphql_type):
        for name, inner in _fields(graphql_type).items():
            if name != "edges":
                yield from _targets(schema, inner)
    else:
        yield graphql_type


def _fields(graphql_type: GraphQLNamedType) -> dict[str, GraphQLField]:
    return graphql_type.fields if is_object_type(graphql_type) else {}


def _columns(root: str, links: dict[str, dict[str, list[str]]]) -> list[list[str]]:
    """Return the names of the types by their distance from the root, in the order of the fields."""
    columns, placed = [[root]], {root}
    while following := _unplaced(columns[-1], links, placed):
        columns.append(following)
        placed |= set(following)
    return columns


def _unplaced(names: Iterable[str], links: dict[str, dict[str, list[str]]], placed: set[str]) -> list[str]:
    return list(dict.fromkeys(target for name in names for target in links[name] if target not in placed))
