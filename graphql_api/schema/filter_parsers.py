"""Parsers of filter values: columns, codes, years, names and ids."""

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any

from db.importing.codes import language_tag
from db.search import conditions
from db.search.conditions import Condition, FilterColumn, RecordKeys, all_of, any_of, negate
from graphql_api.schema.errors import UserInputError
from graphql_api.schema.filter_fields import OperatorParser, ParseField, indexed_values
from graphql_api.schema.ids import parse_database_id
from graphql_api.schema.inputs import check_isbn, check_storable_text

_MAX_YEAR = 9_999


def reject_nested_text(value: str, path: str) -> Condition:
    """Raise UserInputError. Only a text at the top level is allowed, and that one is parsed on its own."""
    raise UserInputError(path, f"{path} is not allowed: move the text to the top level of the filter.")


def boolean_parser(condition: Condition) -> ParseField:
    """Return a parser of a boolean. `condition` is what true means."""
    return lambda value, path: condition if value else negate(condition)


def _null_parser(column: FilterColumn) -> ParseField:
    is_null, is_not_null = conditions.is_null(column), conditions.is_not_null(column)
    return lambda value, path: is_null if value else is_not_null


def number_parser(column: FilterColumn, check: Callable[[Any, str], object]) -> OperatorParser:
    """Return a parser of comparisons with a numeric column. `check` validates one number."""

    def compare(operator: str, value: Any, path: str) -> Condition:
        return conditions.compare(column, operator, check(value, path))

    parsers: dict[str, ParseField] = {
        operator: partial(compare, operator) for operator in ("eq", "neq", "lt", "lte", "gt", "gte")
    }
    parsers["is_null"] = _null_parser(column)
    return OperatorParser(lambda _: parsers)


def time_parser(compare: Callable[[str, datetime], Condition]) -> OperatorParser:
    """Return a parser of comparisons with a time. `compare(operator, time)` returns the condition."""

    def parse(operator: str, value: datetime, path: str) -> Condition:
        return compare(operator, value)

    parsers: dict[str, ParseField] = {
        operator: partial(parse, operator) for operator in ("lt", "lte", "gt", "gte")
    }
    return OperatorParser(lambda _: parsers)


def check_decimal(value: Decimal, path: str) -> Decimal:
    """Return the number with six decimals. Raise UserInputError if it has more digits than that."""
    if not value.is_finite() or abs(value) >= 10**12 or value != round(value, 6):
        raise UserInputError(
            path, f"{path} is {str(value)[:40]}. Give at most 12 integer digits and 6 decimals."
        )
    return round(value, 6)


def check_year(value: int, path: str) -> int:
    """Return the year. Raise UserInputError if it is out of range."""
    if not -_MAX_YEAR <= value <= _MAX_YEAR:
        raise UserInputError(path, f"{path} is {value}; it must be from {-_MAX_YEAR} to {_MAX_YEAR}.")
    return value


def publication_parser(column: FilterColumn) -> OperatorParser:
    """Return a parser of years, for a column of days: year * 10,000 + month * 100 + day."""

    def compare(operator: str, value: int, path: str) -> Condition:
        start = check_year(value, path) * 10_000
        from_start = conditions.compare(column, "gte", start)
        until_end = conditions.compare(column, "lt", start + 10_000)
        before = conditions.compare(column, "lt", start)
        after = conditions.compare(column, "gte", start + 10_000)
        return {
            "eq": all_of([from_start, until_end]),
            "neq": any_of([before, after]),
            "lt": before,
            "lte": until_end,
            "gt": after,
            "gte": from_start,
        }[operator]

    parsers: dict[str, ParseField] = {
        operator: partial(compare, operator) for operator in ("eq", "neq", "lt", "lte", "gt", "gte")
    }
    parsers["is_null"] = _null_parser(column)
    return OperatorParser(lambda _: parsers)


def code_parser(column: FilterColumn, spellings: Callable[[str], Sequence[str]]) -> OperatorParser:
    """Return a parser of codes. `spellings` returns the spellings in which the catalog may hold a code."""
    return _value_parser(column, lambda value, path: spellings(check_storable_text(path, value)))


def enum_parser(column: FilterColumn) -> OperatorParser:
    """Return a parser of the members of an enum, whose values the column holds."""
    return _value_parser(column, lambda member, path: [member.value])


def isbn_parser(column: FilterColumn) -> OperatorParser:
    """Return a parser of ISBNs."""
    return _value_parser(column, lambda isbn, path: [check_isbn(path, isbn)])


def _value_parser(column: FilterColumn, parse: Callable[[Any, str], Sequence[object]]) -> OperatorParser:
    """Return a parser of values. `parse` returns those that the column may hold for a value."""

    def parse_all(values: Sequence[Any], path: str) -> list[object]:
        return [found for value, at in indexed_values(values, path) for found in parse(value, at)]

    parsers: dict[str, ParseField] = {
        "eq": lambda value, path: conditions.in_values(column, parse(value, path)),
        "neq": lambda value, path: conditions.not_in_values(column, parse(value, path)),
        "in_": lambda values, path: conditions.in_values(column, parse_all(values, path)),
        "not_in": lambda values, path: conditions.not_in_values(column, parse_all(values, path)),
        "is_null": _null_parser(column),
    }
    return OperatorParser(lambda _: parsers)


def spell_language(code: str) -> Sequence[str]:
    """Return the code as given, and its BCP 47 tag: `DE`, `ger` and `deu` also mean `de`."""
    return list(dict.fromkeys([code, language_tag(code) or code]))


def spell_currency(code: str) -> Sequence[str]:
    """Return the code in upper case, as the catalog holds it."""
    return [code.upper()]


def name_parser(column: FilterColumn) -> OperatorParser:
    """Return a parser of comparisons with a name, which ignore case and accents."""

    def compare(match: Callable[[FilterColumn, str], Condition], value: str, path: str) -> Condition:
        return match(column, check_storable_text(path, value))

    parsers: dict[str, ParseField] = {
        "eq": partial(compare, conditions.name_equals),
        "starts_with": partial(compare, conditions.name_starts_with),
        "contains": partial(compare, conditions.name_contains),
    }
    return OperatorParser(lambda _: parsers)


def id_column_parser(type_name: str, column: FilterColumn) -> OperatorParser:
    """Return a parser of ids of a type, which the column holds."""
    return _value_parser(column, lambda value, path: [parse_database_id(path, type_name, value)])


def price_parser(column: FilterColumn, currency: FilterColumn) -> OperatorParser:
    """Return a parser of comparisons with an amount, and of its currency."""

    def in_currency(code: str, path: str) -> Condition:
        return conditions.in_values(currency, spell_currency(check_storable_text(path, code)))

    parsers: dict[str, ParseField] = {
        **number_parser(column, check_decimal).parsers_for(None),
        "currency": in_currency,
    }
    return OperatorParser(lambda _: parsers)


def book_id_parser(column: FilterColumn) -> OperatorParser:
    """Return a parser of ids of books, which the column holds."""
    return id_parser("Book", lambda _, ids: conditions.in_values(column, ids))


HasAny = Callable[[Any, Any], Condition]
"""Returns the condition that a row has one of the ids, or of the RecordKeys. It reads the input's options."""


def id_parser(type_name: str, has_any: HasAny) -> OperatorParser:
    """Return a parser of ids of a type."""
    return OperatorParser(lambda filter_input: _id_parsers(type_name, has_any, filter_input))


def record_parser(type_name: str, key_field: str, has_any: HasAny) -> OperatorParser:
    """Return a parser of ids of a type, and in the field `key_field` of the slugs or paths of its records."""

    def parsers_for(filter_input: Any) -> dict[str, ParseField]:
        def has_key(keys: Sequence[str]) -> Condition:
            return has_any(filter_input, RecordKeys(type_name.lower(), tuple(keys)))

        key_parser = OperatorParser(lambda _: _membership_parsers(has_key, check_key))
        return {**_id_parsers(type_name, has_any, filter_input), key_field: key_parser}

    return OperatorParser(parsers_for)


def check_key(value: str, path: str) -> str:
    """Return a slug or path. Raise UserInputError if PostgreSQL cannot store it."""
    return check_storable_text(path, value)


def _id_parsers(type_name: str, has_any: HasAny, filter_input: Any) -> dict[str, ParseField]:
    return _membership_parsers(
        lambda ids: has_any(filter_input, ids), lambda value, path: parse_database_id(path, type_name, value)
    )


def _membership_parsers(
    has_any: Callable[[list[Any]], Condition], parse: Callable[[str, str], Any]
) -> dict[str, ParseField]:
    """Return the parsers of operators: a row has a value, or one of several. `parse` parses one value."""

    def has(value: str, path: str) -> Condition:
        return has_any([parse(value, path)])

    def has_one_of(values: Sequence[str], path: str) -> Condition:
        return has_any([parse(value, at) for value, at in indexed_values(values, path)])

    return {
        "eq": has,
        "neq": lambda value, path: negate(has(value, path)),
        "in_": has_one_of,
        "not_in": lambda values, path: negate(has_one_of(values, path)),
    }
