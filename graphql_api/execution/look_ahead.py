"""Look-ahead: which pages are asked for below a field, so that its level resolver can read them along."""

from typing import Any

from graphql import GraphQLNamedType, GraphQLObjectType, get_named_type, is_object_type

from graphql_api.execution.calls import FieldUse, field_use
from graphql_api.execution.selections import Details, Selections

PAGE_FIELDS = {"edges", "nodes", "pageInfo"}
"""The fields of a connection that take a page of its list."""


def pages_ahead(selections: Selections, use: FieldUse, details: Details) -> list[FieldUse]:
    """The first connection below a field whose page the field's level resolver reads along, and the same
    connection again of the page's nodes, as far down as it goes."""
    down: list[FieldUse] = []
    for name in use.level.ahead if use.level else ():
        kind, below = get_named_type(use.field.type), details
        while is_object_type(kind) and (found := page_below(selections, kind, below, name)):
            down.append(found[0])
            kind, below = nodes_below(selections, *found)
        if down:
            break
    return down


def page_below(
    selections: Selections, kind: GraphQLObjectType, details: Details, name: str
) -> tuple[FieldUse, dict[str, Details]] | None:
    """The first use of the connection of that name, and what is selected of it, if that takes a page."""
    found = selections.names_below(kind, details).get(name)
    if found is None:
        return None
    use = field_use(kind, found[0].node)
    selected = selections.names_below(get_named_type(use.field.type), found)
    return (use, selected) if selected.keys() & PAGE_FIELDS and "facets" not in selected else None


def nodes_below(
    selections: Selections, use: FieldUse, selected: dict[str, Details]
) -> tuple[GraphQLNamedType | None, Details]:
    """The type of a connection's nodes, and where they are selected first."""
    connection: Any = get_named_type(use.field.type)
    if "nodes" in selected:
        return get_named_type(connection.fields["nodes"].type), selected["nodes"]
    if "edges" in selected:
        edge: Any = get_named_type(connection.fields["edges"].type)
        below = selections.names_below(edge, selected["edges"])
        if "node" in below:
            return get_named_type(edge.fields["node"].type), below["node"]
    return None, []
