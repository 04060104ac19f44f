"""Compute an operation's cost: the rows it may read and the values it may return, given its variables.

Each operation gets one cost function, built from the document and the schema's `@cost` and `@listSize`. The
cost is an upper bound: shorter lists and rows that several fields share are counted in full. It is a constant
if it does not depend on variables.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from graphql import (
    DirectiveNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    is_abstract_type,
    is_object_type,
)

from graphql_api.execution.cost_directives import Cost, ListSize
from graphql_api.execution.limits import LimitExceededError, Limits

Expression = int | str
"""A number, or the source of an expression over the `values` of the variables."""

EntryCounts = Mapping[str, Expression]
"""The number of entries of each field whose list size the parent's arguments determine."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class CostUnit:
    """A unit of cost, and the setting with its limit. `weight` returns a field's cost without subfields."""

    name: str
    setting: str
    code: str
    weight: Callable[[str, GraphQLField | None, GraphQLNamedType | None], int]


class OperationCost:
    """The cost of one operation. `evaluate` and `check` take the coerced values of its variables."""

    def __init__(
        self,
        schema: GraphQLSchema,
        operation: OperationDefinitionNode,
        fragments: Mapping[str, FragmentDefinitionNode],
        limits: Limits,
        unit: CostUnit,
    ) -> None:
        """Raise LimitExceededError if the cost exceeds its limit for all values of the variables."""
        self.unit = unit
        self.operation = operation
        self.limit: int = getattr(limits, unit.setting.removeprefix("MAX_").lower())
        builder = _CostExpressionBuilder(schema, fragments, unit)
        root = schema.get_root_type(operation.operation)
        cost = builder.object_cost(root, [operation.selection_set], {}) if root else 0
        self._constant = cost if isinstance(cost, int) else None
        if isinstance(cost, int):
            self._check_limit(cost)
        else:
            names = {"size": _list_size, "names": builder.names}
            self._evaluate_function = eval(compile(f"lambda values: {cost}", "<cost>", "eval"), names)  # noqa: S307

    def evaluate(self, values: Mapping[str, Any]) -> int:
        """Return the cost for these values of the variables."""
        return self._evaluate_function(values) if self._constant is None else self._constant

    def check(self, values: Mapping[str, Any]) -> int:
        """Return the cost for these values. Raise LimitExceededError if it exceeds its limit."""
        return (
            self._check_limit(self._evaluate_function(values)) if self._constant is None else self._constant
        )

    def _check_limit(self, cost: int) -> int:
        if cost > self.limit:
            problem, unit = f"The operation costs {cost:,} {self.unit.name}", self.unit
            raise LimitExceededError(unit.setting, self.limit, problem, code=unit.code, node=self.operation)
        return cost


@dataclass(slots=True)
class _FieldGroup:
    """All nodes that select one field, and the condition of each node (None: unconditional)."""

    nodes: list[FieldNode] = field(default_factory=list[FieldNode])
    conditions: list[str | None] = field(default_factory=list["str | None"])

    def apply_conditions(self, cost: Expression) -> Expression:
        if cost == 0 or None in self.conditions:
            return cost
        return f"({cost} if {' or '.join(f'({each})' for each in self.conditions)} else 0)"


@dataclass(slots=True)
class _CostExpressionBuilder:
    """Builds the expression of an operation's cost. `names` keeps variables' names out of its source."""

    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]
    unit: CostUnit
    names: list[str] = field(default_factory=list[str])

    def object_cost(
        self, type_: GraphQLNamedType, selected: Sequence[SelectionSetNode], entry_counts: EntryCounts
    ) -> Expression:
        """Return the cost of one object's selections; for an abstract type, its object types' maximum."""
        if is_abstract_type(type_):
            return _max_of(
                [
                    self.object_cost(each, selected, entry_counts)
                    for each in self.schema.get_possible_types(type_)
                ]
            )
        if not is_object_type(type_):
            return 0
        groups: dict[str, _FieldGroup] = {}
        spread: set[tuple[str, str | None]] = set()
        for selections in selected:
            self._collect_fields(type_, selections, None, groups, spread)
        return _sum_of(
            [
                each.apply_conditions(self._field_cost(type_, each.nodes, entry_counts))
                for each in groups.values()
            ]
        )

    def _collect_fields(
        self,
        type_: GraphQLObjectType,
        selections: SelectionSetNode,
        outer: str | None,
        groups: dict[str, _FieldGroup],
        spread: set[tuple[str, str | None]],
    ) -> None:
        """Collect the fields that apply to the type, by their response key."""
        for selection in selections.selections:
            applies, condition = self._condition_for(selection, outer)
            if not applies:
                continue
            if isinstance(selection, FieldNode):
                group = groups.setdefault((selection.alias or selection.name).value, _FieldGroup())
                group.nodes.append(selection)
                group.conditions.append(condition)
                continue
            fragment: Any = selection
            if isinstance(selection, FragmentSpreadNode):
                name = selection.name.value
                if (name, condition) in spread:
                    continue
                spread.add((name, condition))
                fragment = self.fragments[name]
            if self._type_condition_applies(type_, fragment.type_condition):
                self._collect_fields(type_, fragment.selection_set, condition, groups, spread)

    def _condition_for(self, selection: SelectionNode, outer: str | None) -> tuple[bool, str | None]:
        """Return whether the selection can ever apply, and the expression of its remaining condition."""
        conditions = [outer] if outer else []
        for directive in selection.directives or ():
            if directive.name.value in ("skip", "include"):
                value, applies_if = _condition_argument(directive), directive.name.value == "include"
                if isinstance(value, VariableNode):
                    conditions.append(f"{'' if applies_if else 'not '}{self._variable_expression(value)}")
                elif value.value is not applies_if:
                    return False, None
        return True, " and ".join(conditions) or None

    def _type_condition_applies(self, type_: GraphQLObjectType, condition: Any) -> bool:
        if condition is None or condition.name.value == type_.name:
            return True
        other = self.schema.get_type(condition.name.value)
        return is_abstract_type(other) and self.schema.is_sub_type(other, type_)

    def _field_cost(
        self, type_: GraphQLObjectType, nodes: Sequence[FieldNode], entry_counts: EntryCounts
    ) -> Expression:
        """Return the cost of a field and everything below it, for one object."""
        name = nodes[0].name.value
        definition = type_.fields.get(name)
        if definition is None:  # an introspection field
            return self.unit.weight(name, None, None)
        size = _find_directive(definition, ListSize)
        entries, counts_below = entry_counts.get(name, 1), dict[str, Expression]()
        if size and size.sized_fields:
            counts_below = dict.fromkeys(size.sized_fields, self._entry_count(size, nodes[0]))
        elif size:
            entries = self._entry_count(size, nodes[0])
        named = get_named_type(definition.type)
        below = self.object_cost(
            named, [each.selection_set for each in nodes if each.selection_set], counts_below
        )
        return _product_of(entries, _sum_of([self.unit.weight(name, definition, named), below]))

    def _entry_count(self, size: ListSize, node: FieldNode) -> Expression:
        """Return the number of entries that a list's slicing arguments allow."""
        arguments = {argument.name.value: argument.value for argument in node.arguments or ()}
        values: list[Any] = []
        for name in size.slicing_arguments or ():
            value = arguments.get(name)
            if isinstance(value, VariableNode):
                values.append(self._variable_expression(value))
            elif isinstance(value, IntValueNode):
                values.append(int(value.value))
            elif isinstance(value, ListValueNode):
                values.append(len(value.values))
        if any(isinstance(value, str) for value in values):
            return f"size({size.assumed_size}, {size.max_size}, {', '.join(map(str, values))})"
        return _list_size(size.assumed_size, size.max_size, *values)

    def _variable_expression(self, variable: VariableNode) -> str:
        self.names.append(variable.name.value)
        return f"values.get(names[{len(self.names) - 1}])"


def _list_size(assumed: int, maximum: int | None, *values: Any) -> int:
    """Return the size that the first value which is not None gives: a number, or the length of a list.

    A size above the maximum counts as the maximum, because the resolver rejects it.
    """
    for value in values:
        if value is not None:
            size = len(value) if isinstance(value, list) else max(0, value)
            return size if maximum is None else min(size, maximum)
    return assumed


def _condition_argument(directive: DirectiveNode) -> Any:
    argument = next(iter(directive.arguments or ()))
    return argument.value


def _find_directive(definition: GraphQLField | GraphQLNamedType, type_: type[T]) -> T | None:
    strawberry_definition = definition.extensions.get("strawberry-definition")
    directives = getattr(strawberry_definition, "directives", None) or ()
    return next((each for each in directives if isinstance(each, type_)), None)


def _row_weight(name: str, definition: GraphQLField | None, named: GraphQLNamedType | None) -> int:
    if definition is None or named is None:
        return 0
    cost = _find_directive(definition, Cost) or _find_directive(named, Cost)
    if cost:
        return int(cost.weight)
    return int(is_object_type(named) or is_abstract_type(named))


_INTROSPECTION_VALUES = 3_000
"""The cost of an introspection field in values. The standard introspection query returns 3,800 values."""


def _value_weight(name: str, definition: GraphQLField | None, named: GraphQLNamedType | None) -> int:
    return _INTROSPECTION_VALUES if name in ("__schema", "__type") else 1


ROWS = CostUnit("rows", "MAX_COST", "COST_LIMIT_EXCEEDED", _row_weight)
VALUES = CostUnit("values", "MAX_RESPONSE_VALUES", "LIMIT_EXCEEDED", _value_weight)
"""The values of a result, objects included: a measure of the time an operation blocks the event loop."""


def _sum_of(costs: Sequence[Expression]) -> Expression:
    fixed = sum(cost for cost in costs if isinstance(cost, int))
    varying = [cost for cost in costs if isinstance(cost, str)]
    return f"sum(({fixed}, {', '.join(varying)}))" if varying else fixed


def _product_of(entries: Expression, cost: Expression) -> Expression:
    if isinstance(entries, int) and isinstance(cost, int):
        return entries * cost
    return 0 if 0 in (entries, cost) else f"{entries} * {cost}"


def _max_of(costs: Sequence[Expression]) -> Expression:
    if all(isinstance(cost, int) for cost in costs):
        return max(costs, default=0)
    return f"max({', '.join(map(str, costs))})"
