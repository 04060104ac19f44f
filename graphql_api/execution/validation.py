# pyright: basic, reportPrivateUsage=false
"""Validation: the rules of GraphQL and of Strawberry, made to end soon on documents built to be slow."""

from typing import Any

from graphql import (
    DocumentNode,
    GraphQLError,
    NoSchemaIntrospectionCustomRule,
    OverlappingFieldsCanBeMergedRule,
    specified_rules,
    validate,
)
from graphql.validation import ValidationContext
from graphql.validation.validate import ValidationAbortedError
from strawberry import Schema
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from graphql_api.execution.limits import LimitExceeded, Limits

MOST_ERRORS = 20


class Validation:
    """Finds what is wrong with documents."""

    def __init__(self, schema: Schema, limits: Limits, *, introspection: bool, suggestions: bool) -> None:
        self.schema = schema._schema  # noqa: SLF001
        self.limits = limits
        self.suggestions = suggestions
        overlaps = overlaps_within(limits.comparisons)
        self.rules: tuple[Any, ...] = (
            *(overlaps if rule is OverlappingFieldsCanBeMergedRule else rule for rule in specified_rules),
            MaybeNullValidationRule,
            OneOfInputValidationRule,
            *(() if introspection else (NoSchemaIntrospectionCustomRule,)),
        )

    def errors(self, document: DocumentNode) -> list[GraphQLError]:
        """At most MOST_ERRORS, and one that says there are more. Raises LimitExceeded."""
        errors = validate(
            self.schema,
            document,
            self.rules,
            max_errors=MOST_ERRORS,
            hide_suggestions=not self.suggestions,
        )
        if errors and isinstance(errors[-1], ValidationAbortedError) and len(errors) <= MOST_ERRORS:
            most = self.limits.comparisons
            raise LimitExceeded("MAX_COMPARISONS", most, "Its fields overlap in too many comparisons")
        return errors


def overlaps_within(comparisons: int) -> type[OverlappingFieldsCanBeMergedRule]:
    """The rule that compares fields which share a name in the answer, pair by pair, made to stop in time."""

    class Overlaps(OverlappingFieldsCanBeMergedRule):
        def __init__(self, context: ValidationContext) -> None:
            super().__init__(context)
            self.rule_context.remaining_complexity_budget = comparisons

    return Overlaps
