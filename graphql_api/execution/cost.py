# pyright: basic, reportPrivateUsage=false
"""What an operation costs: the rows and the values that it can ask for, as functions of its variables.

A function is made once, from the document and the `@cost` and `@listSize` of the schema. It is an upper
bound: a list that turns out shorter, or a row that several fields share, is counted in full. Where no
variable matters it is a constant.
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

from graphql_api.execution.limits import LimitExceeded, Limits
from graphql_api.schema.costs import Cost, ListSize

Expression = int | str
"""A number, or the source of an expression over the `values` of the variables."""

Sizes = Mapping[str, Expression]
"""How many entries each field has whose size its parent knows."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Unit:
    """What is counted, and the setting with its limit; `weight` says how many a field adds by itself."""

    name: str
    setting: str
    code: str
    weight: Callable[[str, GraphQLField | None, GraphQLNamedType | None], int]


class OperationCost:
    """The cost of one operation; `of` and `require` take the coerced values of its variables."""

    def __init__(
        self,
        schema: GraphQLSchema,
        operation: OperationDefinitionNode,
        fragments: Mapping[str, FragmentDefinitionNode],
        limits: Limits,
        unit: Unit,
    ) -> None:
        """Raises LimitExceeded where a page is too large or the operation too dear whatever its variables."""
        self.unit = unit
        self.most: int = getattr(limits, unit.setting.removeprefix("MAX_").lower())
        writer = Writer(schema, fragments, limits.page, unit)
        root = schema.get_root_type(operation.operation)
        cost = writer.objects(root, [operation.selection_set], {}) if root else 0
        self.constant = cost if isinstance(cost, int) else None
        if isinstance(cost, int):
            self.require_at_most(cost)
        else:
            names = {"size": writer.size, "names": writer.names}
            self.evaluate = eval(compile(f"lambda values: {cost}", "<cost>", "eval"), names)  # noqa: S307

    def of(self, values: Mapping[str, Any]) -> int:
        """How many there are; raises LimitExceeded where a page is too large."""
        return self.evaluate(values) if self.constant is None else self.constant

    def require(self, values: Mapping[str, Any]) -> None:
        """Raise LimitExceeded if the operation costs too much with these values."""
        if self.constant is None:
            self.require_at_most(self.evaluate(values))

    def require_at_most(self, cost: int) -> None:
        if cost > self.most:
            found = f"The operation can ask for {cost:,} {self.unit.name}"
            raise LimitExceeded(self.unit.setting, self.most, found, code=self.unit.code)


@dataclass(slots=True)
class Asked:
    """A field as a selection set asks for it: all its nodes, and the condition of each, None for none."""

    nodes: list[FieldNode] = field(default_factory=list[FieldNode])
    conditions: list[str | None] = field(default_factory=list["str | None"])

    def under_its_conditions(self, cost: Expression) -> Expression:
        if cost == 0 or None in self.conditions:
            return cost
        return f"({cost} if {' or '.join(f'({each})' for each in self.conditions)} else 0)"


@dataclass(slots=True)
class Writer:
    """Writes the expression of an operation's cost; what a client named stands in `names`."""

    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]
    page: int
    unit: Unit
    names: list[str] = field(default_factory=list[str])

    def objects(
        self, kind: GraphQLNamedType, selected: Sequence[SelectionSetNode], sizes: Sizes
    ) -> Expression:
        """The cost of what is selected of one object of the type; of an abstract type, of the costliest."""
        if is_abstract_type(kind):
            return largest(
                [self.objects(each, selected, sizes) for each in self.schema.get_possible_types(kind)]
            )
        if not is_object_type(kind):
            return 0
        asked: dict[str, Asked] = {}
        spread: set[tuple[str, str | None]] = set()
        for selections in selected:
            self.collect(kind, selections, None, asked, spread)
        return added(
            [each.under_its_conditions(self.field(kind, each.nodes, sizes)) for each in asked.values()]
        )

    def collect(
        self,
        kind: GraphQLObjectType,
        selections: SelectionSetNode,
        outer: str | None,
        asked: dict[str, Asked],
        spread: set[tuple[str, str | None]],
    ) -> None:
        """Gather the fields that apply to the type, by their name in the answer."""
        for selection in selections.selections:
            applies, condition = self.condition(selection, outer)
            if not applies:
                continue
            if isinstance(selection, FieldNode):
                entry = asked.setdefault((selection.alias or selection.name).value, Asked())
                entry.nodes.append(selection)
                entry.conditions.append(condition)
                continue
            fragment: Any = selection
            if isinstance(selection, FragmentSpreadNode):
                name = selection.name.value
                if (name, condition) in spread:
                    continue
                spread.add((name, condition))
                fragment = self.fragments[name]
            if self.concerns(kind, fragment.type_condition):
                self.collect(kind, fragment.selection_set, condition, asked, spread)

    def condition(self, selection: SelectionNode, outer: str | None) -> tuple[bool, str | None]:
        """Whether the selection can apply at all, and under what condition besides."""
        conditions = [outer] if outer else []
        for directive in selection.directives or ():
            if directive.name.value in ("skip", "include"):
                value, wanted = decided_by(directive), directive.name.value == "include"
                if isinstance(value, VariableNode):
                    conditions.append(f"{'' if wanted else 'not '}{self.value_of(value)}")
                elif value.value is not wanted:
                    return False, None
        return True, " and ".join(conditions) or None

    def concerns(self, kind: GraphQLObjectType, condition: Any) -> bool:
        if condition is None or condition.name.value == kind.name:
            return True
        other = self.schema.get_type(condition.name.value)
        return is_abstract_type(other) and self.schema.is_sub_type(other, kind)

    def field(self, kind: GraphQLObjectType, nodes: Sequence[FieldNode], sizes: Sizes) -> Expression:
        """The cost of a field and all below it, for one object."""
        name = nodes[0].name.value
        definition = kind.fields.get(name)
        if definition is None:  # of introspection
            return self.unit.weight(name, None, None)
        size = directive_of(definition, ListSize)
        entries, sizes_below = sizes.get(name, 1), dict[str, Expression]()
        if size and size.sized_fields:
            sizes_below = dict.fromkeys(size.sized_fields, self.entries(size, nodes[0]))
        elif size:
            entries = self.entries(size, nodes[0])
        named = get_named_type(definition.type)
        below = self.objects(named, [each.selection_set for each in nodes if each.selection_set], sizes_below)
        return multiplied(entries, added([self.unit.weight(name, definition, named), below]))

    def entries(self, size: ListSize, node: FieldNode) -> Expression:
        """How many entries a list has, as its arguments say."""
        given = {argument.name.value: argument.value for argument in node.arguments or ()}
        values: list[Any] = []
        for name in size.slicing_arguments or ():
            value = given.get(name)
            if isinstance(value, VariableNode):
                values.append(self.value_of(value))
            elif isinstance(value, IntValueNode):
                values.append(int(value.value))
            elif isinstance(value, ListValueNode):
                values.append(len(value.values))
        if any(isinstance(value, str) for value in values):
            return f"size({size.assumed_size}, {', '.join(map(str, values))})"
        return self.size(size.assumed_size, *values)

    def size(self, assumed: int, *values: Any) -> int:
        """The first value there is: a number of entries, or a list of as many."""
        for value in values:
            if isinstance(value, list):
                return len(value)
            if value is not None:
                if value > self.page:
                    raise LimitExceeded("MAX_PAGE", self.page, f"A page of {value:,} entries is asked for")
                return max(0, value)
        return assumed

    def value_of(self, variable: VariableNode) -> str:
        self.names.append(variable.name.value)
        return f"values.get(names[{len(self.names) - 1}])"


def decided_by(directive: DirectiveNode) -> Any:
    argument = next(iter(directive.arguments or ()))
    return argument.value


def directive_of(definition: GraphQLField | GraphQLNamedType, kind: type[T]) -> T | None:
    described = definition.extensions.get("strawberry-definition")
    found = (each for each in getattr(described, "directives", None) or () if isinstance(each, kind))
    return next(found, None)


def rows(name: str, definition: GraphQLField | None, named: GraphQLNamedType | None) -> int:
    if definition is None or named is None:
        return 0
    cost = directive_of(definition, Cost) or directive_of(named, Cost)
    if cost:
        return int(cost.weight)
    return int(is_object_type(named) or is_abstract_type(named))


INTROSPECTION = 3_000
"""What an introspection counts as: the one that tools ask for has 3,800 values."""


def values(name: str, definition: GraphQLField | None, named: GraphQLNamedType | None) -> int:
    return INTROSPECTION if name in ("__schema", "__type") else 1


ROWS = Unit("rows", "MAX_COST", "COST_LIMIT_EXCEEDED", rows)
VALUES = Unit("values", "MAX_VALUES", "LIMIT_EXCEEDED", values)
"""What an answer is made of, objects and all: it says how long an operation keeps the event loop busy."""


def added(costs: Sequence[Expression]) -> Expression:
    fixed = sum(cost for cost in costs if isinstance(cost, int))
    varying = [cost for cost in costs if isinstance(cost, str)]
    return f"sum(({fixed}, {', '.join(varying)}))" if varying else fixed


def multiplied(entries: Expression, cost: Expression) -> Expression:
    if isinstance(entries, int) and isinstance(cost, int):
        return entries * cost
    return 0 if 0 in (entries, cost) else f"{entries} * {cost}"


def largest(costs: Sequence[Expression]) -> Expression:
    if all(isinstance(cost, int) for cost in costs):
        return max(costs, default=0)
    return f"max({', '.join(map(str, costs))})"
