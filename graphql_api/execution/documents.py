"""Documents: each text is limited, parsed, validated and compiled once, and kept while there is room."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DirectiveNode,
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
    Visitor,
    parse,
    visit,
)
from strawberry import Schema

from graphql_api.execution.arguments import variables_in
from graphql_api.execution.calls import Unplannable
from graphql_api.execution.compiler import Compiler
from graphql_api.execution.cost import ROWS, VALUES, OperationCost
from graphql_api.execution.limits import LIMITS, Limits
from graphql_api.execution.plans import Plan
from graphql_api.execution.selections import Selections
from graphql_api.execution.shape import require_shape
from graphql_api.execution.tokens import require_few_tokens, require_short_numbers
from graphql_api.execution.validation import Validation
from graphql_api.execution.variables import Variables

MOST_VARIANTS = 16
"""How many plans one operation may have; @skip and @include ask for one for each set of their variables."""


class InvalidDocument(Exception):
    """The document cannot be run; `errors` say why. `is_query` tells what it holds, where that is known."""

    def __init__(self, errors: list[GraphQLError], *, is_query: bool = True) -> None:
        super().__init__(errors)
        self.errors = errors
        self.is_query = is_query


class UnknownOperation(Exception):
    """The document does not hold the operation that was named, or holds several and none was named."""


@dataclass(slots=True)
class Document:
    """One operation of a document, with its plans by the values of the variables in @skip and @include."""

    schema: Schema
    node: DocumentNode
    operation: OperationDefinitionNode
    fragments: Mapping[str, FragmentDefinitionNode]
    variables: Variables
    cost: OperationCost
    values: OperationCost
    flags: tuple[str, ...]
    size: int
    suggestions: bool
    plans: dict[tuple[Any, ...], Plan | str] = field(default_factory=dict)

    @property
    def is_query(self) -> bool:
        return self.operation.operation is OperationType.QUERY

    def cost_with(self, variables: dict[str, Any] | None) -> int | None:
        """The rows it can ask for with these variables; None where they cannot be coerced."""
        values = self.variables.values(variables)
        return None if values is None else self.cost.of(values)

    def require_limits(self, values: Mapping[str, Any]) -> None:
        """Raise LimitExceeded if it can ask for too much with these values of its variables."""
        self.cost.require(values)
        self.values.require(values)

    def plan(self, values: Mapping[str, Any]) -> Plan | str:
        """The plan for these values of its flags, or the reason why there is none."""
        flags = tuple([values.get(name) for name in self.flags])
        plan = self.plans.get(flags)
        if plan is None:
            if len(self.plans) == MOST_VARIANTS:
                return "more variants by @skip and @include than are kept"
            plan = self.plans[flags] = self.compiled(dict(zip(self.flags, flags, strict=True)))
        return plan

    def compiled(self, flags: Mapping[str, Any]) -> Plan | str:
        if not self.is_query:
            return "not a query"
        try:
            selections = Selections(self.schema._schema, self.operation, self.fragments, flags)  # noqa: SLF001
            return Plan.of(Compiler(self.schema, selections, self.variables))
        except Unplannable as reason:
            return str(reason)
        except GraphQLError:
            return "an argument that cannot be coerced"
        except (SyntaxError, RecursionError):
            return "nested more deeply than Python nests blocks"


class Documents:
    """The documents used last, at most so many and of at most so many bytes of text in all.

    A byte of text stands for about 200 of memory: syntax tree, plan and all.
    """

    def __init__(
        self,
        schema: Schema,
        *,
        limits: Limits = LIMITS,
        introspection: bool = True,
        suggestions: bool = True,
        entries: int = 1_000,
        bytes_: int = 500_000,
    ) -> None:
        self.schema = schema
        self.limits = limits
        self.validation = Validation(schema, limits, introspection=introspection, suggestions=suggestions)
        self.entries = entries
        self.bytes = bytes_
        self.held: OrderedDict[tuple[str, str | None], Document] = OrderedDict()
        self.size = 0

    def find(self, text: str, operation_name: str | None) -> Document:
        """The operation of that name, or the only one, in the document.

        Raises LimitExceeded, InvalidDocument or UnknownOperation; what is wrong is not kept.
        """
        key = (text, operation_name)
        document = self.held.get(key)
        if document is not None:
            self.held.move_to_end(key)
            return document
        document = self.held[key] = self.made(text, operation_name)
        self.size += document.size
        while len(self.held) > self.entries or (self.size > self.bytes and len(self.held) > 1):
            _, dropped = self.held.popitem(last=False)
            self.size -= dropped.size
        return document

    def made(self, text: str, operation_name: str | None) -> Document:
        require_few_tokens(text, self.limits)
        try:
            node = parse(text)
            unchain(node)
            require_short_numbers(node)
        except GraphQLError as error:
            raise InvalidDocument([error]) from error
        require_shape(node, self.limits)
        operation = chosen(node, operation_name)
        errors = self.validation.errors(node)
        if errors:
            raise InvalidDocument(errors, is_query=operation.operation is OperationType.QUERY)
        fragments = {
            definition.name.value: definition
            for definition in node.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }
        flags = Flags()
        visit(node, flags)
        counted = (self.schema._schema, operation, fragments, self.limits)  # noqa: SLF001
        return Document(
            self.schema,
            node,
            operation,
            fragments,
            Variables(self.schema._schema, operation),  # noqa: SLF001
            OperationCost(*counted, ROWS),
            OperationCost(*counted, VALUES),
            tuple(sorted(flags.names)),
            len(text.encode("utf-8", "surrogatepass")),
            self.validation.suggestions,
        )


def unchain(node: DocumentNode) -> None:
    """Take from each token the way back to the one before it.

    So there is no cycle left in the tree: what is refused or dropped is freed at once, thousands of objects,
    without a collection that would stop everybody. Nobody goes that way after parsing.
    """
    token = node.loc.start_token if node.loc else None
    while token:
        token.prev = None
        token = token.next


def chosen(node: DocumentNode, name: str | None) -> OperationDefinitionNode:
    operations = [each for each in node.definitions if isinstance(each, OperationDefinitionNode)]
    if name is not None:
        operations = [each for each in operations if each.name and each.name.value == name]
    if not operations:
        raise UnknownOperation(
            "The document holds no operation."
            if name is None
            else f"The document holds no operation {name!r}."
        )
    if len(operations) > 1:
        raise UnknownOperation("The document holds several operations: say which with operationName.")
    return operations[0]


class Flags(Visitor):
    """The variables in @skip and @include."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_directive(self, node: DirectiveNode, *_: Any) -> None:
        if node.name.value in ("skip", "include"):
            self.names |= variables_in(node)
