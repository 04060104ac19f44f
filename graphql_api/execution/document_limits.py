"""Check a document's limits: its depth, size and repetition with all fragments expanded.

Each definition is traversed once and each fragment's total is computed once. So the time is linear in the
size of the document, regardless of how its fragments refer to each other.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
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


@dataclass(frozen=True, slots=True)
class _Depth:
    """A maximum depth, and the field that has it."""

    levels: int = 0
    node: FieldNode | None = None

    def deeper(self, levels: int, node: FieldNode | None) -> "_Depth":
        """Return the deeper one of this depth and another."""
        return _Depth(levels, node) if levels > self.levels else self


@dataclass(slots=True)
class _DefinitionStats:
    """The measures of a definition. `introspection_depth` counts nested lists inside introspection fields;
    `depth` counts nested fields outside them."""

    depth: _Depth = _Depth()
    introspection_depth: _Depth = _Depth()
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
    _check_length("MAX_OPERATIONS", limits.operations, operations, "The document has {:,} operations")
    _check_length("MAX_FRAGMENTS", limits.fragments, fragments, "The document has {:,} fragments")
    for operation in operations:
        variables = operation.variable_definitions or ()
        _check_length("MAX_VARIABLES", limits.variables, variables, "An operation has {:,} variables")
    fragment_stats = {each.name.value: _count_definition(each, limits) for each in fragments}
    totals = _total_fragments(fragment_stats)
    for operation in operations:
        _check_operation(operation, _with_fragments(_count_definition(operation, limits), totals), limits)


def _check_operation(operation: OperationDefinitionNode, stats: _DefinitionStats, limits: Limits) -> None:
    """Raise LimitExceededError if an operation exceeds a limit, at its deepest field or at the operation."""
    depth, introspection_depth = stats.depth, stats.introspection_depth
    if depth.levels > limits.depth:
        problem = f"An operation has {depth.levels:,} levels of fields"
        raise LimitExceededError("MAX_DEPTH", limits.depth, problem, node=depth.node)
    for things, count in (
        ("fields", stats.fields),
        ("aliases", stats.aliases),
        ("directives", stats.directives),
    ):
        allowed = getattr(limits, things)
        if count > allowed:
            problem = f"An operation has {count:,} {things}"
            raise LimitExceededError(f"MAX_{things.upper()}", allowed, problem, node=operation)
    if introspection_depth.levels > _MAX_INTROSPECTION_DEPTH:
        problem = f"Introspection nests {introspection_depth.levels:,} lists of fields or types"
        node = introspection_depth.node
        raise LimitExceededError("introspection", _MAX_INTROSPECTION_DEPTH, problem, node=node)


def _check_length(setting: str, allowed: int, nodes: Sequence[Node], problem: str) -> None:
    """Raise LimitExceededError at the first node beyond the limit."""
    if len(nodes) > allowed:
        raise LimitExceededError(setting, allowed, problem.format(len(nodes)), node=nodes[allowed])


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
        stats.depth = stats.depth.deeper(depth, node)
    introspection_depth += name in _INTROSPECTION_LISTS
    stats.introspection_depth = stats.introspection_depth.deeper(introspection_depth, node)
    return depth, introspection_depth


def _count_directives(stats: _DefinitionStats, node: Node, limits: Limits) -> None:
    directives = getattr(node, "directives", None) or ()
    allowed = limits.directives_per_location
    _check_length("MAX_DIRECTIVES_PER_LOCATION", allowed, directives, "One location has {:,} directives")
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
            _check_length("MAX_LIST_ARGUMENT", limits.list_argument, node.values, "A list has {:,} values")
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
        below = spread_stats.depth
        if spread.depth is not None:
            total_stats.depth = total_stats.depth.deeper(spread.depth + below.levels, below.node)
        below = spread_stats.introspection_depth
        introspection_depth = spread.introspection_depth + below.levels
        total_stats.introspection_depth = total_stats.introspection_depth.deeper(
            introspection_depth, below.node
        )
        total_stats.fields += spread_stats.fields
        total_stats.aliases += spread_stats.aliases
        total_stats.directives += spread_stats.directives
    return total_stats
