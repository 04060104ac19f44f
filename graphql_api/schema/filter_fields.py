"""How filters are declared: each input field is one entry with its type, description, parser and facet.

- An input that selects records is decorated with `filter_input`. Its fields are declared with `filter_field`.
  The decorator adds the fields `and`, `or` and `not`.
- An input of operators, for example a range, is a plain Strawberry input. Its fields are declared with
  `operator`, or with `operator_option` if they only change what the operators mean.

A field without a parser raises TypeError when the module is imported.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar, get_args

import strawberry
from strawberry import UNSET
from strawberry.schema.name_converter import NameConverter
from strawberry.types.base import get_object_definition

from db.search.conditions import Condition, all_of, any_of, negate
from db.search.filters import Facet
from graphql_api.schema.errors import UserInputError

T = TypeVar("T")

MAX_FILTER_VALUES = 100

ParseField = Callable[[Any, str], Condition]
"""Parses the value of an input field; the second argument is its path, for errors."""

_ENTRY, _OPERATOR, _OPTION = "filter_entry", "filter_operator", "filter_option"


@dataclass(frozen=True, slots=True)
class FilterEntry:
    """How a field is parsed. The `facet` of the same attribute leaves its condition out."""

    parse: ParseField
    facet: Facet | None = None


@dataclass(frozen=True, slots=True)
class Combination:
    """A field whose value is one filter or a list of filters of the same type."""

    combine: Callable[[Sequence[Condition]], Condition]
    takes_list: bool


@dataclass(frozen=True, slots=True)
class GivenField:
    """A field that has a value: its names in Python and in GraphQL, the value, and the field's metadata."""

    python_name: str
    name: str
    value: Any
    metadata: Mapping[str, Any]

    @property
    def entry(self) -> FilterEntry | Combination:
        """How the field of a filter is parsed."""
        return self.metadata[_ENTRY]

    @property
    def is_operator(self) -> bool:
        """Whether the field is an operator, not an option."""
        return _OPERATOR in self.metadata


def filter_field(description: str, parse: ParseField, facet: Facet | None = None) -> Any:
    """Declare a field of a filter."""
    return strawberry.field(
        default=UNSET, description=description, metadata={_ENTRY: FilterEntry(parse, facet)}
    )


def operator(description: str, name: str | None = None) -> Any:
    """Declare an operator, which its input's OperatorParser parses."""
    return strawberry.field(default=UNSET, description=description, name=name, metadata={_OPERATOR: True})


def operator_option(description: str, default: object = UNSET) -> Any:
    """Declare a field that is no condition of its own, but changes what the operators beside it mean."""
    return strawberry.field(default=default, description=description, metadata={_OPTION: True})


@dataclass(frozen=True, slots=True)
class OperatorParser:
    """Parses an input of operators. All operators that are given must match.

    `parsers_for(filter_input)` returns the parsers of the operators by their Python names.
    """

    parsers_for: Callable[[Any], Mapping[str, ParseField]]

    def __call__(self, filter_input: Any, path: str) -> Condition:
        parsers = self.parsers_for(filter_input)
        return all_of(
            [
                parsers[field.python_name](field.value, f"{path}.{field.name}")
                for field in given_fields(filter_input)
                if field.is_operator
            ]
        )

    def check_coverage(self, input_class: type) -> None:
        """Raise TypeError if a field of the input is no operator that this parser knows, and no option."""
        parsers = self.parsers_for(input_class())
        for python_name, _, metadata in _declared_fields(input_class):
            if not (_OPTION in metadata or (_OPERATOR in metadata and python_name in parsers)):
                raise TypeError(f"{input_class.__name__}.{python_name} has no parser")


_COMBINATIONS: Mapping[str, tuple[Combination, str]] = {
    "and": (Combination(all_of, takes_list=True), "All of these filters match."),
    "or": (
        Combination(any_of, takes_list=True),
        "At least one of these filters matches. An empty list matches nothing.",
    ),
    "not": (
        Combination(lambda conditions: negate(conditions[0]), takes_list=False),
        "This filter does not match.",
    ),
}


def filter_input(description: str) -> Callable[[type[T]], type[T]]:
    """Return a decorator that declares a filter: a Strawberry input with the fields `and`, `or` and `not`."""

    def declare(cls: type[T]) -> type[T]:
        for name, (combination, text) in _COMBINATIONS.items():
            value_type = f"list[{cls.__name__}]" if combination.takes_list else cls.__name__
            cls.__annotations__[f"{name}_"] = f"{value_type} | None"
            field = strawberry.field(
                name=name, default=UNSET, description=text, metadata={_ENTRY: combination}
            )
            setattr(cls, f"{name}_", field)
        declared: type[T] = strawberry.input(cls, description=description)
        for python_name, _, metadata in _declared_fields(declared):
            entry = metadata.get(_ENTRY)
            if entry is None:
                raise TypeError(f"{cls.__name__}.{python_name} has no parser")
            if isinstance(entry, FilterEntry) and isinstance(entry.parse, OperatorParser):
                operators: Any = get_args(cls.__annotations__[python_name])[0]
                entry.parse.check_coverage(operators)
        return declared

    return declare


@cache
def _declared_fields(input_class: type) -> Sequence[tuple[str, str, Mapping[str, Any]]]:
    """Return the Python name, the GraphQL name and the metadata of each field of an input class."""
    converter = NameConverter()
    return [
        (field.python_name, converter.from_field(field), field.metadata)
        for field in get_object_definition(input_class, strict=True).fields
    ]


def given_fields(filter_input: Any) -> Iterator[GivenField]:
    """Yield the fields of an input that have a value. Null is the same as not given."""
    for python_name, name, metadata in _declared_fields(filter_input.__class__):
        value = getattr(filter_input, python_name)
        if value is not None and value is not UNSET:
            yield GivenField(python_name, name, value, metadata)


def indexed_values(values: Sequence[Any], path: str) -> Iterator[tuple[Any, str]]:
    """Yield each value of a list with its path. Raise UserInputError if there are too many."""
    if len(values) > MAX_FILTER_VALUES:
        raise UserInputError(
            path, f"{path} has {len(values)} values; at most {MAX_FILTER_VALUES} are allowed."
        )
    for index, value in enumerate(values):
        yield value, f"{path}[{index}]"
