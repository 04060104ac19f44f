"""Prefetch: find the pages selected below a field, so that its batch resolver can read them too."""

from typing import Any, NamedTuple

from graphql import GraphQLNamedType, get_named_type, is_object_type

from graphql_api.execution.calls import FieldUse, field_use
from graphql_api.execution.fields import PageUse, definition_of, options_of
from graphql_api.execution.selections import FieldDetailsList, Selections


class _PageSelection(NamedTuple):
    """A field of a connection that reads its page: its declared use, its type and its field nodes."""

    use: PageUse
    type_: GraphQLNamedType
    details: FieldDetailsList


def prefetchable_connections(
    selections: Selections, use: FieldUse, details: FieldDetailsList
) -> list[FieldUse]:
    """Return the first connection below a field whose page the field's batch resolver can prefetch.

    It is followed by the same connection of the page's nodes, level by level.
    """
    path: list[FieldUse] = []
    for name in use.batch_resolver.prefetchable if use.batch_resolver else ():
        type_, below = get_named_type(use.field.type), details
        while is_object_type(type_) and (found := selections.subfields_by_name(type_, below).get(name)):
            connection = field_use(type_, found[0].node)
            pages = _page_selections(selections, get_named_type(connection.field.type), found)
            if not pages or not all(page.use.prefetchable for page in pages):
                break
            path.append(connection)
            type_, below = _nodes_below(selections, pages)
        if path:
            break
    return path


def _page_selections(selections: Selections, type_: Any, details: FieldDetailsList) -> list[_PageSelection]:
    """Return the selected fields of a connection that read its page."""
    pages: list[_PageSelection] = []
    for name, below in selections.subfields_by_name(type_, details).items():
        field = type_.fields.get(name)
        use = options_of(definition_of(field)).page_use if field else None
        if field and use:
            pages.append(_PageSelection(use, get_named_type(field.type), below))
    return pages


def _nodes_below(
    selections: Selections, pages: list[_PageSelection]
) -> tuple[GraphQLNamedType | None, FieldDetailsList]:
    """Return the type of a page's nodes and the field nodes that first select them."""
    for page in pages:
        if page.use.node_path is None:
            continue
        type_, details = page.type_, page.details
        for name in page.use.node_path:
            parent: Any = type_
            details = selections.subfields_by_name(parent, details).get(name)
            if details is None:
                break
            type_ = get_named_type(parent.fields[name].type)
        else:
            return type_, details
    return None, []
