"""Parsing of whole filter inputs into conditions, with limits on their size."""

from collections.abc import Iterator, Sequence
from typing import Any

from strawberry import UNSET

from db import books
from db.keyset import Scope
from db.search.conditions import Condition, RecordKeys, all_of
from db.search.filters import NO_FILTER, Facet, Filter, ListRestriction
from db.search.text_query import MAX_TEXT_LENGTH
from graphql_api.schema.contributor_role import author_scope
from graphql_api.schema.errors import UserInputError
from graphql_api.schema.filter_fields import (
    Combination,
    FilterEntry,
    GivenField,
    given_fields,
    indexed_values,
)
from graphql_api.schema.filter_inputs import (
    MAX_FILTER_CONDITIONS,
    MAX_FILTER_DEPTH,
    AuthorFilter,
    BookFilter,
    CategoryFilter,
    CategoryIdFilter,
    IdFilter,
    KeyFilter,
)
from graphql_api.schema.ids import parse_database_id
from graphql_api.schema.inputs import check_storable_text

_PATH = "filter"
"""The path of a filter in errors: each filter is the value of an argument of this name."""


def parse_search_text(filter_input: BookFilter | None) -> str | None:
    """Return the search text of a filter, or None. A blank text is none: an empty search box sends it."""
    if not filter_input or filter_input.text is UNSET or filter_input.text is None:
        return None
    if searches_blank_text(filter_input):
        return None
    return check_storable_text(f"{_PATH}.text", filter_input.text[:MAX_TEXT_LENGTH])


def searches_blank_text(filter_input: BookFilter | None) -> bool:
    """Return whether a filter has a text, but a blank one."""
    text = filter_input.text if filter_input else None
    return isinstance(text, str) and not text.strip()


def parse_book_filter(filter_input: BookFilter | None) -> Filter:
    """Return the filter for an input. Raise UserInputError with the path of the first invalid field."""
    if not filter_input:
        return NO_FILTER
    text = parse_search_text(filter_input)
    fields = [field for field in given_fields(filter_input) if field.name != "text"]
    parsed = list(_FilterParser(condition_count=0 if text is None else 1).parse_fields(fields, _PATH, 1))
    return Filter(
        text,
        all_of(condition for facet, condition in parsed if facet is None),
        tuple((facet, condition) for facet, condition in parsed if facet is not None),
        _list_restriction(filter_input),
    )


def parse_filter(filter_input: AuthorFilter | CategoryFilter | None) -> Condition:
    """Return the condition for an input. Raise UserInputError with the path of the first invalid field."""
    return _FilterParser().parse(filter_input, _PATH) if filter_input else all_of([])


def _list_restriction(filter_input: BookFilter) -> ListRestriction | None:
    """Return the single author, or else the single category, to which the filter restricts the books."""
    author, category = filter_input.author, filter_input.category
    if author and (key := _single_record(author, "Author", author.slug)) is not None:
        return ListRestriction(Facet.AUTHORS, author_scope(author.roles), *key)
    if category and (key := _single_record(category, "Category", category.path)) is not None:
        return ListRestriction(Facet.CATEGORIES, _category_scope(category), *key)
    return None


def _category_scope(filter_input: CategoryIdFilter) -> Scope:
    return books.DIRECTLY_IN_CATEGORY if filter_input.include_descendants is False else books.BY_CATEGORY


def _single_record(
    filter_input: IdFilter, type_name: str, key_filter: KeyFilter | None
) -> tuple[int, RecordKeys | None] | None:
    """Return the database id, or the slug or path, if an `eq` is the only operator of the filter."""
    if filter_input.eq and _operators_of(filter_input) == ["eq"]:
        return parse_database_id(_PATH, type_name, filter_input.eq), None
    if key_filter and key_filter.eq and len(_operators_of(filter_input)) == 1:
        return (
            (0, RecordKeys(type_name.lower(), (key_filter.eq,)))
            if _operators_of(key_filter) == ["eq"]
            else None
        )
    return None


def _operators_of(filter_input: object) -> list[str]:
    return [field.name for field in given_fields(filter_input) if field.is_operator]


class _FilterParser:
    """Parses one input, and limits its depth and its number of conditions.

    A filter without any condition, as an item of a list, counts as one.
    """

    def __init__(self, condition_count: int = 0) -> None:
        self._condition_count = condition_count

    def parse(self, filter_input: Any, path: str, depth: int = 1) -> Condition:
        """Return the condition of one filter: all of its fields must match."""
        count_before = self._condition_count
        parsed = list(self.parse_fields(list(given_fields(filter_input)), path, depth))
        if self._condition_count == count_before:
            self._count_condition()
        return all_of([condition for _, condition in parsed])

    def parse_fields(
        self, fields: Sequence[GivenField], path: str, depth: int
    ) -> Iterator[tuple[Facet | None, Condition]]:
        """Yield the facet and the condition of each field."""
        if depth > MAX_FILTER_DEPTH:
            raise UserInputError(
                path, f"{path} is nested too deeply: at most {MAX_FILTER_DEPTH} levels are allowed."
            )
        for field in fields:
            yield self._parse_field(field, f"{path}.{field.name}", depth)

    def _parse_field(self, field: GivenField, path: str, depth: int) -> tuple[Facet | None, Condition]:
        match field.entry:
            case FilterEntry(parse, facet):
                self._count_condition()
                return facet, parse(field.value, path)
            case Combination(combine, takes_list):
                items = indexed_values(field.value, path) if takes_list else [(field.value, path)]
                return None, combine([self.parse(item, at, depth + 1) for item, at in items])

    def _count_condition(self) -> None:
        self._condition_count += 1
        if self._condition_count > MAX_FILTER_CONDITIONS:
            raise UserInputError(
                _PATH, f"{_PATH} has more than {MAX_FILTER_CONDITIONS} conditions. Use fewer conditions."
            )
