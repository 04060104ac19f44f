"""Validation: the rules of GraphQL and Strawberry, with a bounded running time on hostile documents."""

from typing import Any

from graphql import (
    DocumentNode,
    GraphQLError,
    NoSchemaIntrospectionCustomRule,
    ObjectValueNode,
    OverlappingFieldsCanBeMergedRule,
    SelectionSetNode,
    is_input_object_type,
    specified_rules,
    validate,
)
from graphql.validation import ASTValidationRule, ValidationContext
from graphql.validation.validate import ValidationAbortedError
from strawberry import Schema
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from graphql_api.execution.limits import LimitExceededError, Limits

_MAX_ERRORS = 20


class NonEmptySelectionSetsRule(ASTValidationRule):
    """Rejects empty selection sets, which the published GraphQL specification does not allow.

    graphql-core accepts them. They are mistakes: a client has built its document of no fields.
    """

    def enter_selection_set(self, node: SelectionSetNode, *_args: object) -> None:
        """Report an empty selection set."""
        if not node.selections:
            message = "A selection set is empty. Select at least one field."
            self.report_error(GraphQLError(message, node))


class KnownMaybeFieldsRule(MaybeNullValidationRule):
    """Strawberry's rule on null, for the fields that an input has in the schema.

    Strawberry's own rule looks at all fields of the input's class. Its error would reveal a field that the
    schema leaves out.
    """

    def validate_maybe_fields(self, node: ObjectValueNode, input_type: Any, strawberry_type: object) -> None:
        """Report the fields of the input object that are null and must not be."""
        if is_input_object_type(input_type):
            known = tuple(each for each in node.fields if each.name.value in input_type.fields)
            super().validate_maybe_fields(ObjectValueNode(fields=known), input_type, strawberry_type)


class Validation:
    """Validates documents against the schema."""

    def __init__(self, schema: Schema, limits: Limits, *, introspection: bool, suggestions: bool) -> None:
        self.schema = schema._schema  # noqa: SLF001
        self.limits = limits
        self.suggestions = suggestions
        overlaps = _bounded_overlap_rule(limits.comparisons)
        self.rules: tuple[Any, ...] = (
            *(overlaps if rule is OverlappingFieldsCanBeMergedRule else rule for rule in specified_rules),
            NonEmptySelectionSetsRule,
            KnownMaybeFieldsRule,
            OneOfInputValidationRule,
            *(() if introspection else (NoSchemaIntrospectionCustomRule,)),
        )

    def find_errors(self, document: DocumentNode) -> list[GraphQLError]:
        """Return at most _MAX_ERRORS errors, and one more that says validation was aborted.

        Raise LimitExceededError if comparing overlapping fields takes too many comparisons.
        """
        errors = validate(
            self.schema,
            document,
            self.rules,
            max_errors=_MAX_ERRORS,
            hide_suggestions=not self.suggestions,
        )
        if errors and isinstance(errors[-1], ValidationAbortedError) and len(errors) <= _MAX_ERRORS:
            limit = self.limits.comparisons
            problem = "The document's overlapping fields take too many comparisons"
            raise LimitExceededError("MAX_COMPARISONS", limit, problem)
        return errors


def _bounded_overlap_rule(comparisons: int) -> type[OverlappingFieldsCanBeMergedRule]:
    """Return the rule that compares fields with the same response key pairwise, limited in comparisons."""

    class BoundedOverlapRule(OverlappingFieldsCanBeMergedRule):
        def __init__(self, context: ValidationContext) -> None:
            super().__init__(context)
            self.rule_context.remaining_complexity_budget = comparisons

    return BoundedOverlapRule
