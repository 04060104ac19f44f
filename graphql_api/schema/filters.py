"""Parsing of filter inputs into conditions."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from decimal import Decimal
from typing import Any

from strawberry import UNSET

from db import books
from db.search import conditions
from db.search.conditions import ALWAYS, Condition, FilterColumn, all_of, any_of, negate
from db.search.filters import NO_FILTER, Facet, Filter, ListRestriction
from db.search.text_query import MAX_TEXT_LENGTH
from graphql_api.schema.errors import UserInputError
from graphql_api.schema.filter_inputs import (
    MAX_FILTER_CONDITIONS,
    MAX_FILTER_DEPTH,
    MAX_FILTER_VALUES,
    AuthorFilter,
    BookFilter,
    CategoryFilter,
    IdFilter,
    NameFilter,
    YearFilter,
)
from graphql_api.schema.ids import parse_database_id
from graphql_api.schema.inputs import check_storable_text

_MAX_YEAR = 9_999

_FieldParser = Callable[[Any, str], Condition]
"""Parses the value of an input field; the second argument is its path, for errors."""
_FieldParsers = Mapping[str, _FieldParser]


def parse_search_text(filter_input: BookFilter | None, argument: str = "filter") -> str | None:
    """Return the search text of a filter, or None."""
    return (
        _check_search_text(f"{argument}.text", filter_input.text)
        if filter_input and isinstance(filter_input.text, str)
        else None
    )


_FACET_OF_FIELD = {
    "category": Facet.CATEGORIES,
    "author": Facet.AUTHORS,
    "language": Facet.LANGUAGES,
    "price": Facet.PRICES,
    "currency": Facet.PRICES,
    "published": Facet.DECADES,
    "rating": Facet.RATINGS,
}


def parse_book_filter(filter_input: BookFilter | None, argument: str = "filter") -> Filter:
    """Return the filter for an input. Raise UserInputError with the path of the first invalid field."""
    if filter_input is UNSET:
        return NO_FILTER
    if filter_input is None:
        raise _null_error(argument)
    conditions_by_field = list(_FilterParser(_BOOK_PARSERS).parse_fields(filter_input, argument, 1))
    text = None if filter_input.text is UNSET else _check_search_text(f"{argument}.text", filter_input.text)
    return Filter(
        text,
        all_of(condition for name, condition in conditions_by_field if name not in _FACET_OF_FIELD),
        tuple(
            (_FACET_OF_FIELD[name], condition)
            for name, condition in conditions_by_field
            if name in _FACET_OF_FIELD
        ),
        _list_restriction(filter_input),
    )


def _list_restriction(filter_input: BookFilter) -> ListRestriction | None:
    """Return the single author, or else the single category, to which the filter restricts the books."""
    if filter_input.author and (key := _single_id(filter_input.author, "Author")) is not None:
        return ListRestriction(Facet.AUTHORS, books.BY_AUTHOR, key)
    if filter_input.category and (key := _single_id(filter_input.category, "Category")) is not None:
        scope = books.BY_CATEGORY if filter_input.category.include_descendants else books.DIRECTLY_IN_CATEGORY
        return ListRestriction(Facet.CATEGORIES, scope, key)
    return None


def _single_id(filter_input: IdFilter, type_name: str) -> int | None:
    """Return the database id if `eq` is the only condition of the filter."""
    names = {name for name, _ in _given_fields(filter_input, "filter")} - {"includeDescendants"}
    return (
        parse_database_id("filter", type_name, filter_input.eq)
        if names == {"eq"} and filter_input.eq
        else None
    )


def parse_author_filter(filter_input: AuthorFilter | None) -> Condition:
    return _parse_filter(filter_input, _AUTHOR_PARSERS)


def parse_category_filter(filter_input: CategoryFilter | None) -> Condition:
    return _parse_filter(filter_input, _CATEGORY_PARSERS)


def _parse_filter(filter_input: Any, parsers: _FieldParsers) -> Condition:
    """Return the condition for an input. Raise UserInputError with the path of the first invalid field."""
    if filter_input is UNSET:
        return ALWAYS
    if filter_input is None:
        raise _null_error("filter")
    return _FilterParser(parsers).parse(filter_input, "filter")


def _check_search_text(argument: str, text: str | None) -> str:
    if text is None:
        raise _null_error(argument)
    return check_storable_text(argument, text[:MAX_TEXT_LENGTH])


class _FilterParser:
    """Parses one input with the parsers of its fields, and limits its depth and its number of conditions."""

    def __init__(self, parsers: _FieldParsers) -> None:
        self._parsers = parsers
        self._condition_count = 0

    def parse_fields(self, filter_input: Any, argument: str, depth: int) -> Iterator[tuple[str, Condition]]:
        """Yield the name and condition of each field given, except `text`."""
        if depth > MAX_FILTER_DEPTH:
            raise UserInputError(
                argument, f"{argument} is nested too deeply: at most {MAX_FILTER_DEPTH} levels are allowed."
            )
        for name, value in _given_fields(filter_input, argument):
            self._condition_count += 1
            if self._condition_count > MAX_FILTER_CONDITIONS:
                raise UserInputError(
                    "filter",
                    f"filter has more than {MAX_FILTER_CONDITIONS} conditions. Use fewer conditions.",
                )
            path = f"{argument}.{name}"
            if name in self._parsers:
                yield name, self._parsers[name](value, path)
            elif name == "not":
                yield name, negate(self.parse(value, path, depth + 1))
            elif name in ("and", "or"):
                join = all_of if name == "and" else any_of
                yield name, join([self.parse(item, path, depth + 1) for item in _limited_list(value, path)])
            elif depth > 1:
                raise UserInputError(
                    path, f"{path} is not allowed: move the text to the top level of the filter."
                )

    def parse(self, filter_input: Any, argument: str, depth: int = 1) -> Condition:
        return all_of([condition for _, condition in self.parse_fields(filter_input, argument, depth)])


def _given_fields(filter_input: Any, argument: str) -> Iterator[tuple[str, Any]]:
    """Yield the GraphQL name and value of each field given. Raise UserInputError for a null."""
    for field in fields(filter_input):
        name = field.name
        value = getattr(filter_input, name)
        graphql_name: str = _GRAPHQL_NAMES.get(name, name.rstrip("_"))
        if value is None:
            raise _null_error(f"{argument}.{graphql_name}")
        if value is not UNSET:
            yield graphql_name, value


_GRAPHQL_NAMES = {
    "in_stock": "inStock",
    "has_isbn": "hasIsbn",
    "not_in": "notIn",
    "is_null": "isNull",
    "include_descendants": "includeDescendants",
    "starts_with": "startsWith",
    "birth_year": "birthYear",
    "death_year": "deathYear",
}


def _null_error(argument: str) -> UserInputError:
    return UserInputError(argument, f"{argument} is null. Omit it, or use isNull to match missing values.")


def _limited_list(values: Sequence[Any], argument: str) -> Sequence[Any]:
    if len(values) > MAX_FILTER_VALUES:
        raise UserInputError(
            argument, f"{argument} has {len(values)} values; at most {MAX_FILTER_VALUES} are allowed."
        )
    return values


def _column_parser(column: FilterColumn, check: Callable[[Any, str], Any]) -> Callable[[Any, str], Condition]:
    """Return a parser of comparisons with a column. `check` validates one value."""

    def parse(filter_input: Any, argument: str) -> Condition:
        parsed: list[Condition] = []
        for name, value in _given_fields(filter_input, argument):
            path = f"{argument}.{name}"
            if name == "isNull":
                parsed.append(conditions.is_null(column) if value else conditions.is_not_null(column))
            elif name in ("in", "notIn"):
                values = [check(item, path) for item in _limited_list(value, path)]
                parsed.append(
                    (conditions.in_values if name == "in" else conditions.not_in_values)(column, values)
                )
            else:
                parsed.append(conditions.compare(column, name, check(value, path)))
        return all_of(parsed)

    return parse


def _check_code(value: str, argument: str) -> str:
    return check_storable_text(argument, value)


def _check_decimal(value: Decimal, argument: str) -> Decimal:
    if not value.is_finite() or abs(value) >= 10**12 or value != round(value, 6):
        raise UserInputError(
            argument, f"{argument} is {str(value)[:40]}. Give at most 12 integer digits and 6 decimals."
        )
    return round(value, 6)


def _check_year(value: int, argument: str) -> int:
    if not -_MAX_YEAR <= value <= _MAX_YEAR:
        raise UserInputError(argument, f"{argument} is {value}; it must be from {-_MAX_YEAR} to {_MAX_YEAR}.")
    return value


def _parse_publication_years(filter_input: YearFilter, argument: str) -> Condition:
    """Parse years into ranges of publication days."""
    parsed: list[Condition] = []
    for name, value in _given_fields(filter_input, argument):
        if name == "isNull":
            parsed.append(
                (conditions.is_null if value else conditions.is_not_null)(conditions.PUBLISHED_COLUMN)
            )
            continue
        if not -_MAX_YEAR <= value <= _MAX_YEAR:
            raise UserInputError(
                f"{argument}.{name}",
                f"{argument}.{name} is {value}; it must be from {-_MAX_YEAR} to {_MAX_YEAR}.",
            )
        start, stop = value * 10_000, (value + 1) * 10_000
        from_start = conditions.compare(conditions.PUBLISHED_COLUMN, "gte", start)
        until_end = conditions.compare(conditions.PUBLISHED_COLUMN, "lt", stop)
        before = conditions.compare(conditions.PUBLISHED_COLUMN, "lt", start)
        after = conditions.compare(conditions.PUBLISHED_COLUMN, "gte", stop)
        parsed.append(
            {
                "eq": all_of([from_start, until_end]),
                "neq": any_of([before, after]),
                "lt": before,
                "lte": until_end,
                "gt": after,
                "gte": from_start,
            }[name]
        )
    return all_of(parsed)


def _id_parser(type_name: str, condition: Callable[..., Condition]) -> Callable[[Any, str], Condition]:
    """Return a parser of id filters. `condition` builds the condition that a row has one of the ids."""

    def parse(filter_input: Any, argument: str) -> Condition:
        operators = dict(_given_fields(filter_input, argument))
        descendants = operators.pop("includeDescendants", None)
        options = {} if descendants is None else {"descendants": descendants}
        parsed: list[Condition] = []
        for name, value in operators.items():
            path = f"{argument}.{name}"
            ids = _limited_list(value, path) if name in ("in", "notIn") else [value]
            has_any = condition([parse_database_id(path, type_name, item) for item in ids], **options)
            parsed.append(negate(has_any) if name in ("neq", "notIn") else has_any)
        return all_of(parsed)

    return parse


def _boolean_parser(condition: Condition) -> Callable[[bool, str], Condition]:
    return lambda value, _argument: condition if value else negate(condition)


def _parse_name_filter(filter_input: NameFilter, argument: str) -> Condition:
    return all_of(
        [
            conditions.sort_name_matches(name, _check_code(value, f"{argument}.{name}"))
            for name, value in _given_fields(filter_input, argument)
        ]
    )


_AUTHOR_PARSERS: _FieldParsers = {
    "name": _parse_name_filter,
    "birthYear": _column_parser(conditions.BIRTH_YEAR_COLUMN, _check_year),
    "deathYear": _column_parser(conditions.DEATH_YEAR_COLUMN, _check_year),
}
_CATEGORY_PARSERS: _FieldParsers = {"name": _parse_name_filter}
_BOOK_PARSERS: _FieldParsers = {
    "author": _id_parser("Author", conditions.by_authors),
    "category": _id_parser("Category", conditions.in_categories),
    "language": _column_parser(conditions.LANGUAGE_COLUMN, _check_code),
    "price": _column_parser(conditions.PRICE_COLUMN, _check_decimal),
    "currency": _column_parser(conditions.CURRENCY_COLUMN, _check_code),
    "published": _parse_publication_years,
    "rating": _column_parser(conditions.RATING_COLUMN, _check_decimal),
    "inStock": _boolean_parser(conditions.IN_STOCK),
    "hasIsbn": _boolean_parser(conditions.is_not_null(conditions.ISBN_COLUMN)),
}
