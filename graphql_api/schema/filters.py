"""From the inputs of filters to the conditions they stand for."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from decimal import Decimal
from typing import Any

from strawberry import UNSET

from db import books
from db.search import conditions
from db.search.conditions import ALWAYS, Column, Condition, all_of, any_of, negated
from db.search.filters import EVERYTHING, Facet, Filter, Place
from db.search.text import LONGEST_TEXT
from graphql_api.schema.errors import BadInput
from graphql_api.schema.filter_inputs import (
    DEEPEST,
    MOST_CONDITIONS,
    MOST_VALUES,
    AuthorFilter,
    BookFilter,
    CategoryFilter,
    IdFilter,
    NameFilter,
    YearFilter,
)
from graphql_api.schema.ids import key_of
from graphql_api.schema.inputs import storable

YEARS = 9_999


Reader = Callable[[Any, str], Condition]
Readers = Mapping[str, Reader]


def text_in(asked: BookFilter | None, argument: str = "filter") -> str | None:
    """The text that is searched for, if there is one."""
    return searched(f"{argument}.text", asked.text) if asked and isinstance(asked.text, str) else None


OWNERS = {
    "category": Facet.CATEGORIES,
    "author": Facet.AUTHORS,
    "language": Facet.LANGUAGES,
    "price": Facet.PRICES,
    "currency": Facet.PRICES,
    "published": Facet.DECADES,
    "rating": Facet.RATINGS,
}


def filter_of_books(asked: BookFilter | None, argument: str = "filter") -> Filter:
    """The filter an input stands for; BadInput naming what cannot be used."""
    if asked is UNSET:
        return EVERYTHING
    if asked is None:
        raise refused_null(argument)
    parts = list(Reading(BOOK_READERS).parts(asked, argument, 1))
    text = None if asked.text is UNSET else searched(f"{argument}.text", asked.text)
    return Filter(
        text,
        all_of(condition for name, condition in parts if name not in OWNERS),
        tuple((OWNERS[name], condition) for name, condition in parts if name in OWNERS),
        place_in(asked),
    )


def place_in(asked: BookFilter) -> Place | None:
    """The one author or else the one category whose books alone are asked for."""
    if asked.author and (key := only_id(asked.author, "Author")) is not None:
        return Place(Facet.AUTHORS, books.BY_AUTHOR, key)
    if asked.category and (key := only_id(asked.category, "Category")) is not None:
        scope = books.BY_CATEGORY if asked.category.include_descendants else books.DIRECTLY_IN_CATEGORY
        return Place(Facet.CATEGORIES, scope, key)
    return None


def only_id(asked: IdFilter, type_name: str) -> int | None:
    """The key, where nothing but one id is allowed."""
    names = {name for name, _ in given_in(asked, "filter")} - {"includeDescendants"}
    return key_of("filter", type_name, asked.eq) if names == {"eq"} and asked.eq else None


def condition_of_authors(asked: AuthorFilter | None) -> Condition:
    return whole_of(asked, AUTHOR_READERS)


def condition_of_categories(asked: CategoryFilter | None) -> Condition:
    return whole_of(asked, CATEGORY_READERS)


def whole_of(asked: Any, readers: Readers) -> Condition:
    """The condition an input stands for; BadInput naming what cannot be used."""
    if asked is UNSET:
        return ALWAYS
    if asked is None:
        raise refused_null("filter")
    return Reading(readers).whole(asked, "filter")


def searched(argument: str, text: str | None) -> str:
    if text is None:
        raise refused_null(argument)
    return storable(argument, text[:LONGEST_TEXT])


class Reading:
    """Reads one input with the readers of its fields, and counts what it holds."""

    def __init__(self, readers: Readers) -> None:
        self.readers = readers
        self.conditions = 0

    def parts(self, asked: Any, argument: str, depth: int) -> Iterator[tuple[str, Condition]]:
        """What the input's fields stand for; the text apart."""
        if depth > DEEPEST:
            raise BadInput(argument, f"{argument} is nested too deep: {DEEPEST} levels can be.")
        for name, value in given_in(asked, argument):
            self.conditions += 1
            if self.conditions > MOST_CONDITIONS:
                raise BadInput("filter", f"filter holds too many conditions: {MOST_CONDITIONS} can be.")
            place = f"{argument}.{name}"
            if name in self.readers:
                yield name, self.readers[name](value, place)
            elif name == "not":
                yield name, negated(self.whole(value, place, depth + 1))
            elif name in ("and", "or"):
                join = all_of if name == "and" else any_of
                yield name, join([self.whole(each, place, depth + 1) for each in listed(value, place)])
            elif depth > 1:
                raise BadInput(place, "A text can only stand at the top of a filter.")

    def whole(self, asked: Any, argument: str, depth: int = 1) -> Condition:
        return all_of([condition for _, condition in self.parts(asked, argument, depth)])


def given_in(asked: Any, argument: str) -> Iterator[tuple[str, Any]]:
    """The fields of an input that are given, by their GraphQL names."""
    for field in fields(asked):
        name = field.name
        value = getattr(asked, name)
        shown: str = NAMES.get(name, name.rstrip("_"))
        if value is None:
            raise refused_null(f"{argument}.{shown}")
        if value is not UNSET:
            yield shown, value


NAMES = {
    "in_stock": "inStock",
    "has_isbn": "hasIsbn",
    "not_in": "notIn",
    "is_null": "isNull",
    "include_descendants": "includeDescendants",
    "starts_with": "startsWith",
    "birth_year": "birthYear",
    "death_year": "deathYear",
}


def refused_null(argument: str) -> BadInput:
    return BadInput(argument, f"{argument} is null, which could mean anything: leave it out, or use isNull.")


def listed(values: Sequence[Any], argument: str) -> Sequence[Any]:
    if len(values) > MOST_VALUES:
        raise BadInput(argument, f"{argument} holds {len(values)} values; {MOST_VALUES} can be.")
    return values


def compared(column: Column, usable: Callable[[Any, str], Any]) -> Callable[[Any, str], Condition]:
    """The reader of an input that compares a column; `usable` checks a value."""

    def read(asked: Any, argument: str) -> Condition:
        made: list[Condition] = []
        for name, value in given_in(asked, argument):
            place = f"{argument}.{name}"
            if name == "isNull":
                made.append(conditions.missing(column) if value else conditions.present(column))
            elif name in ("in", "notIn"):
                values = [usable(each, place) for each in listed(value, place)]
                made.append((conditions.among if name == "in" else conditions.not_among)(column, values))
            else:
                made.append(conditions.compared(column, name, usable(value, place)))
        return all_of(made)

    return read


def code(value: str, argument: str) -> str:
    return storable(argument, value)


def number(value: Decimal, argument: str) -> Decimal:
    if not value.is_finite() or abs(value) >= 10**12 or value != round(value, 6):
        raise BadInput(argument, f"{argument} is {str(value)[:40]}: give at most 12 digits and 6 decimals.")
    return round(value, 6)


def year(value: int, argument: str) -> int:
    if not -YEARS <= value <= YEARS:
        raise BadInput(argument, f"{argument} is {value}: years are from {-YEARS} to {YEARS}.")
    return value


def in_years(asked: YearFilter, argument: str) -> Condition:
    """Years as the range of days in them."""
    made: list[Condition] = []
    for name, value in given_in(asked, argument):
        if name == "isNull":
            made.append((conditions.missing if value else conditions.present)(conditions.PUBLISHED))
            continue
        if not -YEARS <= value <= YEARS:
            raise BadInput(
                f"{argument}.{name}", f"{argument}.{name} is {value}: years are from {-YEARS} to {YEARS}."
            )
        start, stop = value * 10_000, (value + 1) * 10_000
        since = conditions.compared(conditions.PUBLISHED, "gte", start)
        until = conditions.compared(conditions.PUBLISHED, "lt", stop)
        before = conditions.compared(conditions.PUBLISHED, "lt", start)
        after = conditions.compared(conditions.PUBLISHED, "gte", stop)
        made.append(
            {
                "eq": all_of([since, until]),
                "neq": any_of([before, after]),
                "lt": before,
                "lte": until,
                "gt": after,
                "gte": since,
            }[name]
        )
    return all_of(made)


def of_ids(type_name: str, condition: Callable[..., Condition]) -> Callable[[Any, str], Condition]:
    """The reader of an input that compares ids; `condition` holds where one of the keys is there."""

    def read(asked: Any, argument: str) -> Condition:
        given = dict(given_in(asked, argument))
        descendants = given.pop("includeDescendants", None)
        options = {} if descendants is None else {"descendants": descendants}
        made: list[Condition] = []
        for name, value in given.items():
            place = f"{argument}.{name}"
            ids = listed(value, place) if name in ("in", "notIn") else [value]
            among = condition([key_of(place, type_name, each) for each in ids], **options)
            made.append(negated(among) if name in ("neq", "notIn") else among)
        return all_of(made)

    return read


def wished(condition: Condition) -> Callable[[bool, str], Condition]:
    return lambda value, _argument: condition if value else negated(condition)


def by_name(asked: NameFilter, argument: str) -> Condition:
    return all_of(
        [
            conditions.named(name, code(value, f"{argument}.{name}"))
            for name, value in given_in(asked, argument)
        ]
    )


AUTHOR_READERS: Readers = {
    "name": by_name,
    "birthYear": compared(conditions.BORN, year),
    "deathYear": compared(conditions.DIED, year),
}
CATEGORY_READERS: Readers = {"name": by_name}
BOOK_READERS: Readers = {
    "author": of_ids("Author", conditions.by_authors),
    "category": of_ids("Category", conditions.in_categories),
    "language": compared(conditions.LANGUAGE, code),
    "price": compared(conditions.PRICE, number),
    "currency": compared(conditions.CURRENCY, code),
    "published": in_years,
    "rating": compared(conditions.RATING, number),
    "inStock": wished(conditions.IN_STOCK),
    "hasIsbn": wished(conditions.present(conditions.ISBN)),
}
