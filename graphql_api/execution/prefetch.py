"""Prefetch: find the pages selected below a field, so that its batch resolver can read them too."""

from typing import Any

from graphql import GraphQLNamedType, GraphQLObjectType, get_named_type, is_object_type

from graphql_api.execution.calls import FieldUse, field_use
from graphql_api.execution.selections import FieldDetailsList, Selections

_PAGE_FIELDS = {"edges", "nodes", "pageInfo"}
"""The fields of a connection that read a page of its list."""


def prefetchable_connections(
    selections: Selections, use: FieldUse, details: FieldDetailsList
) -> list[FieldUse]:
    """Return the first connection below a field whose page the field's batch resolver can prefetch.

    It is followed by the same connection of the page's nodes, level by level.
    """
    path: list[FieldUse] = []
    for name in use.batch_resolver.prefetchable if use.batch_resolver else ():
        type_, below = get_named_type(use.field.type), details
        while is_object_type(type_) and (connection := _connection_below(selections, type_, below, name)):
            path.append(connection[0])
            type_, below = _nodes_below(selections, *connection)
        if path:
            break
    return path


def _connection_below(
    selections: Selections, type_: GraphQLObjectType, details: FieldDetailsList, name: str
) -> tuple[FieldUse, dict[str, FieldDetailsList]] | None:
    """Return the first use of the connection of that name and its selected fields, if they read a page."""
    details_of_connection = selections.subfields_by_name(type_, details).get(name)
    if details_of_connection is None:
        return None
    use = field_use(type_, details_of_connection[0].node)
    selected = selections.subfields_by_name(get_named_type(use.field.type), details_of_connection)
    return (use, selected) if selected.keys() & _PAGE_FIELDS and "facets" not in selected else None


def _nodes_below(
    selections: Selections, use: FieldUse, selected: dict[str, FieldDetailsList]
) -> tuple[GraphQLNamedType | None, FieldDetailsList]:
    """Return the type of a connection's nodes and the field nodes that first select them."""
    connection: Any = get_named_type(use.field.type)
    if "nodes" in selected:
        return get_named_type(connection.fields["nodes"].type), selected["nodes"]
    if "edges" in selected:
        edge: Any = get_named_type(connection.fields["edges"].type)
        below = selections.subfields_by_name(edge, selected["edges"])
        if "node" in below:
            return get_named_type(edge.fields["node"].type), below["node"]
    return None, []
