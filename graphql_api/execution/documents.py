"""Documents: check limits, parse and validate each text once, compile its plans, and cache the result."""

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
from graphql_api.execution.calls import CannotCompileError
from graphql_api.execution.compiler import Compiler
from graphql_api.execution.cost import ROWS, VALUES, OperationCost
from graphql_api.execution.deprecations import find_deprecated_uses, has_deprecations
from graphql_api.execution.document_limits import check_document_limits
from graphql_api.execution.limits import LIMITS, Limits
from graphql_api.execution.plans import Plan
from graphql_api.execution.selections import Selections
from graphql_api.execution.tokens import check_number_lengths, check_token_limit
from graphql_api.execution.validation import Validation
from graphql_api.execution.variables import NO_VARIABLES, CoercedVariables, Variables

MAX_PLAN_VARIANTS = 16
"""Maximum number of plans of one operation: one per combination of @skip and @include variable values."""


class InvalidDocumentError(Exception):
    """The document cannot be parsed or is invalid; `errors` has the reasons.

    `is_query` is whether the operation is a query; True if the document cannot be parsed.
    """

    def __init__(self, errors: list[GraphQLError], *, is_query: bool = True) -> None:
        super().__init__(errors)
        self.errors = errors
        self.is_query = is_query


class UnknownOperationError(Exception):
    """The document has no operation of the given name, or several operations and no name was given."""


@dataclass(slots=True)
class Document:
    """One operation of a document.

    `plans` caches a plan, or the reason why there is none, per values of the `condition_variables`, which are
    the variables in @skip and @include.
    """

    schema: Schema
    node: DocumentNode
    operation: OperationDefinitionNode
    fragments: Mapping[str, FragmentDefinitionNode]
    variables: Variables
    row_cost: OperationCost
    value_cost: OperationCost
    condition_variables: tuple[str, ...]
    byte_size: int
    suggestions: bool
    deprecated: tuple[str, ...]
    plans: dict[tuple[Any, ...], Plan | str] = field(default_factory=dict)

    @property
    def is_query(self) -> bool:
        return self.operation.operation is OperationType.QUERY

    @property
    def is_mutation(self) -> bool:
        return self.operation.operation is OperationType.MUTATION

    def prepare(self, variables: dict[str, Any] | None) -> "PreparedOperation":
        """Return the operation with these variables. Raise LimitExceededError if it costs too much."""
        values = self.variables.coerce(variables)
        if values is None:
            reason = "variables that cannot be coerced"
            return PreparedOperation(self, variables, NO_VARIABLES, reason, None, None)
        return PreparedOperation(self, variables, values, self.plan_for(values), *self.check_limits(values))

    def check_limits(self, values: Mapping[str, Any]) -> tuple[int, int]:
        """Return the costs in rows and in values, for these values of the variables.

        Raise LimitExceededError if one of them exceeds its limit.
        """
        return self.row_cost.check(values), self.value_cost.check(values)

    def plan_for(self, values: Mapping[str, Any]) -> Plan | str:
        """Return the plan for these values of the condition variables, or the reason why there is none."""
        key = tuple([values.get(name) for name in self.condition_variables])
        plan = self.plans.get(key)
        if plan is None:
            if len(self.plans) == MAX_PLAN_VARIANTS:
                return "too many combinations of @skip and @include values"
            plan = self.plans[key] = self.compile_plan(dict(zip(self.condition_variables, key, strict=True)))
        return plan

    def compile_plan(self, condition_values: Mapping[str, Any]) -> Plan | str:
        if not (self.is_query or self.is_mutation):
            return "a subscription"
        try:
            selections = Selections(self.schema._schema, self.operation, self.fragments, condition_values)  # noqa: SLF001
            return Plan.from_compiler(Compiler(self.schema, selections, self.variables))
        except CannotCompileError as reason:
            return str(reason)
        except GraphQLError:
            return "an argument that cannot be coerced"
        except (SyntaxError, RecursionError):
            return "nested more deeply than Python allows"


@dataclass(slots=True)
class PreparedOperation:
    """An operation with the variables of one request, ready to run.

    - `plan` is its plan, or the reason why graphql-core must run it.
    - `row_cost` and `value_cost` are its costs in rows and in values of the result; None if the variables
      cannot be coerced.
    """

    document: Document
    variables: dict[str, Any] | None
    coerced_variables: CoercedVariables
    plan: Plan | str
    row_cost: int | None
    value_cost: int | None


class DocumentCompiler:
    """Checks a text against the limits, parses and validates it, and prepares the costs of its operations."""

    def __init__(self, schema: Schema, limits: Limits, *, introspection: bool, suggestions: bool) -> None:
        self.schema = schema
        self.limits = limits
        self.has_deprecations = has_deprecations(schema._schema)  # noqa: SLF001
        self.validation = Validation(schema, limits, introspection=introspection, suggestions=suggestions)

    def compile(self, text: str, operation_name: str | None) -> Document:
        """Return the text's operation of that name, or its only operation.

        Raise LimitExceededError, InvalidDocumentError or UnknownOperationError.
        """
        check_token_limit(text, self.limits)
        try:
            node = parse(text)
            _break_token_cycle(node)
            check_number_lengths(node)
        except GraphQLError as error:
            raise InvalidDocumentError([error]) from error
        check_document_limits(node, self.limits)
        operation = select_operation(node, operation_name)
        errors = self.validation.find_errors(node)
        if errors:
            raise InvalidDocumentError(errors, is_query=operation.operation is OperationType.QUERY)
        fragments = {
            definition.name.value: definition
            for definition in node.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }
        condition_variables = _ConditionVariables()
        visit(node, condition_variables)
        cost_arguments = (self.schema._schema, operation, fragments, self.limits)  # noqa: SLF001
        return Document(
            self.schema,
            node,
            operation,
            fragments,
            Variables(self.schema._schema, operation),  # noqa: SLF001
            OperationCost(*cost_arguments, ROWS),
            OperationCost(*cost_arguments, VALUES),
            tuple(sorted(condition_variables.names)),
            len(text.encode("utf-8", "surrogatepass")),
            self.validation.suggestions,
            self._find_deprecated_uses(node, operation),
        )

    def _find_deprecated_uses(
        self, node: DocumentNode, operation: OperationDefinitionNode
    ) -> tuple[str, ...]:
        if not self.has_deprecations:
            return ()
        name = operation.name and operation.name.value
        return find_deprecated_uses(self.schema._schema, node, name)  # noqa: SLF001


class DocumentCache:
    """A least-recently-used cache of documents, limited in entries and in total bytes of text.

    A byte of text takes about 200 bytes of memory: syntax tree, plan and everything else.
    """

    def __init__(
        self,
        schema: Schema,
        *,
        limits: Limits = LIMITS,
        introspection: bool = True,
        suggestions: bool = True,
        max_entries: int = 1_000,
        max_bytes: int = 500_000,
    ) -> None:
        self.schema = schema
        self.limits = limits
        self.compiler = DocumentCompiler(schema, limits, introspection=introspection, suggestions=suggestions)
        self.max_entries = max_entries
        self.max_bytes = max_bytes
        self.entries: OrderedDict[tuple[str, str | None], Document] = OrderedDict()
        self.total_bytes = 0

    def get(self, text: str, operation_name: str | None) -> Document:
        """Return the document's operation of that name, or its only operation.

        Raise LimitExceededError, InvalidDocumentError or UnknownOperationError. Failures are not cached.
        """
        key = (text, operation_name)
        document = self.entries.get(key)
        if document is not None:
            self.entries.move_to_end(key)
            return document
        document = self.entries[key] = self.compiler.compile(text, operation_name)
        self.total_bytes += document.byte_size
        while len(self.entries) > self.max_entries or (
            self.total_bytes > self.max_bytes and len(self.entries) > 1
        ):
            _, dropped = self.entries.popitem(last=False)
            self.total_bytes -= dropped.byte_size
        return document


def _break_token_cycle(node: DocumentNode) -> None:
    """Remove each token's reference to the previous token.

    Without reference cycles, the thousands of objects of a rejected or evicted document are freed at once. No
    garbage collection has to pause the event loop for them. Nothing follows these references after parsing.
    """
    token = node.loc.start_token if node.loc else None
    while token:
        token.prev = None
        token = token.next


def select_operation(node: DocumentNode, name: str | None) -> OperationDefinitionNode:
    """Return the operation of that name, or the only operation. Raise UnknownOperationError."""
    operations = [each for each in node.definitions if isinstance(each, OperationDefinitionNode)]
    if name is not None:
        operations = [each for each in operations if each.name and each.name.value == name]
    if not operations:
        raise UnknownOperationError(
            "The document has no operation." if name is None else f"The document has no operation {name!r}."
        )
    if len(operations) > 1:
        raise UnknownOperationError("The document has several operations: select one with operationName.")
    return operations[0]


class _ConditionVariables(Visitor):
    """Collects the names of the variables in @skip and @include."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_directive(self, node: DirectiveNode, *_: Any) -> None:
        if node.name.value in ("skip", "include"):
            self.names |= variables_in(node)
