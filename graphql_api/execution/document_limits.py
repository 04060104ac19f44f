"""Check a document's limits: its depth, size and repetition with all fragments expanded.

Each definition is traversed once and each fragment's total is computed once. So the time is linear in the
size of the document, regardless of how its fragments refer to each other.
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

from graphql_api.execution.limits import LimitExceededError, Limits

_INTROSPECTION_FIELDS = ("__schema", "__type")
# Introspection lists that lead from a type to other types. Tools select them once, below `types`. Nested in
# each other, they multiply the result.
_INTROSPECTION_LISTS = ("fields", "interfaces", "possibleTypes", "inputFields")
_MAX_INTROSPECTION_DEPTH = 1


@dataclass(slots=True)
class _DefinitionStats:
    """The measures of a definition. `introspection_depth` counts nested lists inside introspection fields;
    `depth` counts nested fields outside them."""

    depth: int = 0
    introspection_depth: int = 0
    fields: int = 0
    aliases: int = 0
    directives: int = 0
    spreads: list["_FragmentSpread"] = field(default_factory=list["_FragmentSpread"])


@dataclass(frozen=True, slots=True)
class _FragmentSpread:
    """A fragment spread and the depth at which it is; `depth` is None inside introspection fields."""

    name: str
    depth: int | None
    introspection_depth: int


def check_document_limits(document: DocumentNode, limits: Limits) -> None:
    """Raise LimitExceededError if the document exceeds a limit with its fragments expanded."""
    operations = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
    fragments = [each for each in document.definitions if isinstance(each, FragmentDefinitionNode)]
    _check_limit("MAX_OPERATIONS", limits.operations, len(operations), "operations", "The document has")
    _check_limit("MAX_FRAGMENTS", limits.fragments, len(fragments), "fragments", "The document has")
    for operation in operations:
        _check_limit(
            "MAX_VARIABLES", limits.variables, len(operation.variable_definitions or ()), "variables"
        )
    fragment_stats = {each.name.value: _count_definition(each, limits) for each in fragments}
    totals = _total_fragments(fragment_stats)
    for operation in operations:
        stats = _with_fragments(_count_definition(operation, limits), totals)
        _check_limit("MAX_DEPTH", limits.depth, stats.depth, "levels of fields")
        _check_limit("MAX_FIELDS", limits.fields, stats.fields, "fields")
        _check_limit("MAX_ALIASES", limits.aliases, stats.aliases, "aliases")
        _check_limit("MAX_DIRECTIVES", limits.directives, stats.directives, "directives")
        if stats.introspection_depth > _MAX_INTROSPECTION_DEPTH:
            problem = f"Introspection nests {stats.introspection_depth:,} lists of fields or types"
            raise LimitExceededError("introspection", _MAX_INTROSPECTION_DEPTH, problem)


def _check_limit(
    setting: str, allowed: int, count: int, things: str, holder: str = "An operation has"
) -> None:
    if count > allowed:
        raise LimitExceededError(setting, allowed, f"{holder} {count:,} {things}")


def _count_definition(
    definition: OperationDefinitionNode | FragmentDefinitionNode, limits: Limits
) -> _DefinitionStats:
    """Return the measures of a definition without its fragments."""
    stats = _DefinitionStats()
    pending: list[tuple[SelectionSetNode, int | None, int]] = [(definition.selection_set, 0, 0)]
    _count_directives(stats, definition, limits)
    for variable in definition.variable_definitions or ():
        _count_directives(stats, variable, limits)
        _check_list_lengths(variable.default_value, limits)
    while pending:
        selections, depth, introspection_depth = pending.pop()
        for selection in selections.selections:
            _count_directives(stats, selection, limits)
            if isinstance(selection, FragmentSpreadNode):
                stats.spreads.append(_FragmentSpread(selection.name.value, depth, introspection_depth))
            elif isinstance(selection, InlineFragmentNode):
                pending.append((selection.selection_set, depth, introspection_depth))
            elif isinstance(selection, FieldNode):
                below = _count_field(stats, selection, depth, introspection_depth, limits)
                if selection.selection_set:
                    pending.append((selection.selection_set, *below))
    return stats


def _count_field(
    stats: _DefinitionStats, node: FieldNode, depth: int | None, introspection_depth: int, limits: Limits
) -> tuple[int | None, int]:
    """Count a field. Return the depth and the introspection depth of its subfields."""
    name = node.name.value
    stats.fields += 1
    stats.aliases += node.alias is not None
    for argument in node.arguments or ():
        _check_list_lengths(argument.value, limits)
    if name in _INTROSPECTION_FIELDS:
        depth = None
    elif depth is not None:
        depth += 1
        stats.depth = max(stats.depth, depth)
    introspection_depth += name in _INTROSPECTION_LISTS
    stats.introspection_depth = max(stats.introspection_depth, introspection_depth)
    return depth, introspection_depth


def _count_directives(stats: _DefinitionStats, node: Node, limits: Limits) -> None:
    directives = getattr(node, "directives", None) or ()
    if len(directives) > limits.directives_in_place:
        raise LimitExceededError(
            "MAX_DIRECTIVES_IN_PLACE",
            limits.directives_in_place,
            f"One location has {len(directives):,} directives",
        )
    stats.directives += len(directives)
    for directive in directives:
        for argument in directive.arguments or ():
            _check_list_lengths(argument.value, limits)


def _check_list_lengths(value: ValueNode | None, limits: Limits) -> None:
    pending = [value] if isinstance(value, ListValueNode | ObjectValueNode) else []
    while pending:
        node = pending.pop()
        children: Iterable[ValueNode]
        if isinstance(node, ListValueNode):
            _check_limit("MAX_LIST", limits.list, len(node.values), "values", "A list has")
            children = node.values
        else:
            children = [entry.value for entry in node.fields]
        pending += [value for value in children if isinstance(value, ListValueNode | ObjectValueNode)]


def _total_fragments(own_stats: Mapping[str, _DefinitionStats]) -> dict[str, _DefinitionStats]:
    """Return the measures of each fragment with the fragments that it spreads.

    A spread that closes a cycle adds nothing; validation rejects the document later.
    """
    totals: dict[str, _DefinitionStats] = {}
    for root in own_stats:
        path: list[tuple[str, Iterator[_FragmentSpread]]] = [(root, iter(own_stats[root].spreads))]
        entered = {root}
        while path:
            name, spreads = path[-1]
            next_fragment = next((spread.name for spread in spreads if spread.name not in totals), None)
            if next_fragment is None:
                path.pop()
                totals.setdefault(name, _with_fragments(own_stats[name], totals))
            elif next_fragment in own_stats and next_fragment not in entered:
                entered.add(next_fragment)
                path.append((next_fragment, iter(own_stats[next_fragment].spreads)))
    return totals


def _with_fragments(own: _DefinitionStats, totals: Mapping[str, _DefinitionStats]) -> _DefinitionStats:
    total_stats = _DefinitionStats(
        own.depth, own.introspection_depth, own.fields, own.aliases, own.directives
    )
    for spread in own.spreads:
        spread_stats = totals.get(spread.name)
        if spread_stats is None:
            continue
        if spread.depth is not None:
            total_stats.depth = max(total_stats.depth, spread.depth + spread_stats.depth)
        introspection_depth = spread.introspection_depth + spread_stats.introspection_depth
        total_stats.introspection_depth = max(total_stats.introspection_depth, introspection_depth)
        total_stats.fields += spread_stats.fields
        total_stats.aliases += spread_stats.aliases
        total_stats.directives += spread_stats.directives
    return total_stats
