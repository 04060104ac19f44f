"""The shape of a document: how deep, how wide and how repetitive it is once its fragments are spread.

Each definition is walked once and each fragment's total is made once, so that the time is linear in the
document however its fragments refer to each other.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    ListValueNode,
    Node,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValueNode,
)

from graphql_api.execution.limits import LimitExceeded, Limits

INTROSPECTION = ("__schema", "__type")
# What leads from a type to further types. Tools ask for these once, below `types`; asked for within
# each other they multiply.
LISTINGS = ("fields", "interfaces", "possibleTypes", "inputFields")
DEEPEST_LISTING = 1


@dataclass(slots=True)
class Shape:
    """What a definition holds. Depth counts fields, but none in introspection, where `listing` does."""

    depth: int = 0
    listing: int = 0
    fields: int = 0
    aliases: int = 0
    directives: int = 0
    spreads: list["Spread"] = field(default_factory=list["Spread"])


@dataclass(frozen=True, slots=True)
class Spread:
    """Where a fragment is spread; `depth` is None within introspection, which has none."""

    name: str
    depth: int | None
    listing: int


def require_shape(document: DocumentNode, limits: Limits) -> None:
    """Raise LimitExceeded if the document, its fragments spread, exceeds a limit."""
    operations = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
    fragments = [each for each in document.definitions if isinstance(each, FragmentDefinitionNode)]
    require("MAX_OPERATIONS", limits.operations, len(operations), "operations", "The document has")
    require("MAX_FRAGMENTS", limits.fragments, len(fragments), "fragments", "The document has")
    for operation in operations:
        require("MAX_VARIABLES", limits.variables, len(operation.variable_definitions or ()), "variables")
    parts = {each.name.value: shape_of(each, limits) for each in fragments}
    totals = fragment_totals(parts)
    for operation in operations:
        whole = total(shape_of(operation, limits), totals)
        require("MAX_DEPTH", limits.depth, whole.depth, "levels of fields")
        require("MAX_FIELDS", limits.fields, whole.fields, "fields")
        require("MAX_ALIASES", limits.aliases, whole.aliases, "aliases")
        require("MAX_DIRECTIVES", limits.directives, whole.directives, "directives")
        if whole.listing > DEEPEST_LISTING:
            raise LimitExceeded(
                "introspection", DEEPEST_LISTING, "Lists of fields or types are nested in introspection"
            )


def require(setting: str, allowed: int, found: int, things: str, holder: str = "An operation has") -> None:
    if found > allowed:
        raise LimitExceeded(setting, allowed, f"{holder} {found:,} {things}")


def shape_of(definition: OperationDefinitionNode | FragmentDefinitionNode, limits: Limits) -> Shape:
    """What the definition holds itself, fragments not spread."""
    shape = Shape()
    pending: list[tuple[SelectionSetNode, int | None, int]] = [(definition.selection_set, 0, 0)]
    count_directives(shape, definition, limits)
    for variable in definition.variable_definitions or ():
        count_directives(shape, variable, limits)
        require_short_lists(variable.default_value, limits)
    while pending:
        selections, depth, listing = pending.pop()
        for selection in selections.selections:
            count_directives(shape, selection, limits)
            if isinstance(selection, FragmentSpreadNode):
                shape.spreads.append(Spread(selection.name.value, depth, listing))
            elif isinstance(selection, InlineFragmentNode):
                pending.append((selection.selection_set, depth, listing))
            elif isinstance(selection, FieldNode):
                below = count_field(shape, selection, depth, listing, limits)
                if selection.selection_set:
                    pending.append((selection.selection_set, *below))
    return shape


def count_field(
    shape: Shape, node: FieldNode, depth: int | None, listing: int, limits: Limits
) -> tuple[int | None, int]:
    """Count a field; the depth and listing of what is selected below it."""
    name = node.name.value
    shape.fields += 1
    shape.aliases += node.alias is not None
    for argument in node.arguments or ():
        require_short_lists(argument.value, limits)
    if name in INTROSPECTION:
        depth = None
    elif depth is not None:
        depth += 1
        shape.depth = max(shape.depth, depth)
    listing += name in LISTINGS
    shape.listing = max(shape.listing, listing)
    return depth, listing


def count_directives(shape: Shape, node: Node, limits: Limits) -> None:
    directives = getattr(node, "directives", None) or ()
    if len(directives) > limits.directives_in_place:
        raise LimitExceeded(
            "MAX_DIRECTIVES_IN_PLACE",
            limits.directives_in_place,
            f"{len(directives)} directives stand in one place",
        )
    shape.directives += len(directives)
    for directive in directives:
        for argument in directive.arguments or ():
            require_short_lists(argument.value, limits)


def require_short_lists(value: ValueNode | None, limits: Limits) -> None:
    pending = [value] if isinstance(value, ListValueNode | ObjectValueNode) else []
    while pending:
        each = pending.pop()
        within: Iterable[ValueNode]
        if isinstance(each, ListValueNode):
            require("MAX_LIST", limits.list, len(each.values), "values", "A list has")
            within = each.values
        else:
            within = [entry.value for entry in each.fields]
        pending += [value for value in within if isinstance(value, ListValueNode | ObjectValueNode)]


def fragment_totals(parts: Mapping[str, Shape]) -> dict[str, Shape]:
    """Each fragment with those it spreads. What closes a cycle adds nothing: validation refuses it."""
    totals: dict[str, Shape] = {}
    for root in parts:
        path: list[tuple[str, Iterator[Spread]]] = [(root, iter(parts[root].spreads))]
        entered = {root}
        while path:
            name, spreads = path[-1]
            following = next((spread.name for spread in spreads if spread.name not in totals), None)
            if following is None:
                path.pop()
                totals.setdefault(name, total(parts[name], totals))
            elif following in parts and following not in entered:
                entered.add(following)
                path.append((following, iter(parts[following].spreads)))
    return totals


def total(part: Shape, totals: Mapping[str, Shape]) -> Shape:
    whole = Shape(part.depth, part.listing, part.fields, part.aliases, part.directives)
    for spread in part.spreads:
        within = totals.get(spread.name)
        if within is None:
            continue
        if spread.depth is not None:
            whole.depth = max(whole.depth, spread.depth + within.depth)
        whole.listing = max(whole.listing, spread.listing + within.listing)
        whole.fields += within.fields
        whole.aliases += within.aliases
        whole.directives += within.directives
    return whole
