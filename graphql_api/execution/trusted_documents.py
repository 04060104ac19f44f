"""Trusted documents: those of the manifests, compiled at start and kept."""

from collections.abc import Iterable, Iterator
from itertools import product

from graphql import GraphQLError, OperationDefinitionNode, parse
from strawberry import Schema

from graphql_api.execution.documents import (
    MAX_PLAN_VARIANTS,
    Document,
    DocumentCompiler,
    InvalidDocumentError,
    UnknownOperationError,
    select_operation,
)
from graphql_api.execution.limits import LimitExceededError, Limits
from graphql_api.execution.manifests import ManifestDocument, hash_text

SIZE_FACTOR = 10
"""How much larger a trusted document may be than the limits on the size of other documents allow."""


class TrustedDocuments:
    """The documents of manifests that are valid in a schema.

    `texts` has their texts by their identifiers and by their SHA-256.
    """

    def __init__(
        self,
        documents: Iterable[ManifestDocument],
        schema: Schema,
        limits: Limits,
        *,
        skip_invalid: bool,
        introspection: bool = True,
        suggestions: bool = True,
    ) -> None:
        """Compile the documents.

        Raise ManifestError for a document that cannot be run. With `skip_invalid`, one that the schema
        rejects is left out instead.
        """
        self.texts: dict[str, str] = {}
        self._operations: dict[str, dict[str | None, Document]] = {}
        self._compiler = DocumentCompiler(
            schema, limits.enlarge_sizes(SIZE_FACTOR), introspection=introspection, suggestions=suggestions
        )
        for document in documents:
            if self._add(document, skip_invalid=skip_invalid):
                self.texts[document.identifier] = self.texts[hash_text(document.text)] = document.text

    def get(self, text: str, operation_name: str | None) -> Document | None:
        """Return the operation of that name, or the only operation; None if the text is not trusted.

        Raise UnknownOperationError if the document has no such operation.
        """
        operations = self._operations.get(text)
        if operations is None:
            return None
        document = operations.get(operation_name)
        if document is None:
            [any_operation, *_] = operations.values()
            select_operation(any_operation.node, operation_name)
        return document

    def operations(self) -> Iterator[Document]:
        """Yield each operation of the documents."""
        for operations in self._operations.values():
            yield from {id(operation): operation for operation in operations.values()}.values()

    def _add(self, document: ManifestDocument, *, skip_invalid: bool) -> bool:
        """Compile a document. Return whether it is trusted."""
        if document.text in self._operations:
            return True
        try:
            self._operations[document.text] = self._compile(document.text)
        except InvalidDocumentError as invalid:
            if skip_invalid:
                return False
            raise document.error(describe_error(invalid.errors[0])) from invalid
        except (LimitExceededError, UnknownOperationError) as error:
            raise document.error(str(error)) from error
        return True

    def _compile(self, text: str) -> dict[str | None, Document]:
        """Return the operations of a text by their names; an only operation also by None."""
        names = _operation_names(text)
        operations = {name: self._compiler.compile(text, name) for name in names}
        for operation in operations.values():
            _compile_plans(operation)
        if len(names) == 1:
            operations[None] = operations[names[0]]
        return operations


def _operation_names(text: str) -> list[str | None]:
    """Return the name of each operation; [None] for a text that the compiler will reject."""
    try:
        definitions = parse(text).definitions
    except GraphQLError:
        return [None]
    operations = [each for each in definitions if isinstance(each, OperationDefinitionNode)]
    return [each.name.value if each.name else None for each in operations] or [None]


def _compile_plans(operation: Document) -> None:
    """Compile a plan for each combination of the values of @skip and @include, unless they are too many."""
    names = operation.condition_variables
    if 2 ** len(names) <= MAX_PLAN_VARIANTS:
        for values in product((False, True), repeat=len(names)):
            operation.plan_for(dict(zip(names, values, strict=True)))


def describe_error(error: GraphQLError) -> str:
    """Return the message of an error with its line and column."""
    places = "".join(f" (line {each.line}, column {each.column})" for each in error.locations or ()[:1])
    return f"{error.message}{places}"
