"""The values of facets: for each one a label, the number of books, and the filter that choosing it means."""

from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

import strawberry

from db.constraints import MAX_YEAR
from db.search.facets import PRICE_STEPS, FacetEntry
from graphql_api.execution.fields import object_field
from graphql_api.schema.ids import global_id
from graphql_api.schema.scalars import BookFilterJSON, CurrencyCode, LanguageCode

COUNT_DESCRIPTION = "The number of books."
LABEL_DESCRIPTION = "A text for the value in English, for example `1990s` or `10 to 20 EUR`."
FILTER_DESCRIPTION = (
    "The fields of a `BookFilter` that choosing the value sets. They replace those of the list's filter: "
    "`{ ...filter, ...value.filter }`."
)


@strawberry.interface(
    description="A value that could narrow a list of books further. One component can draw the values of any "
    "facet."
)
class FacetValue:
    label: str = strawberry.field(description=LABEL_DESCRIPTION)
    count: int = strawberry.field(description=COUNT_DESCRIPTION)
    filter: BookFilterJSON = strawberry.field(description=FILTER_DESCRIPTION)

    @classmethod
    def resolve_type(cls, value: Any, *_: object) -> str:
        return value.type_name


@dataclass(frozen=True, slots=True)
class CountedRecord:
    """The source of a value that is a record."""

    type_name: str
    key: int
    label: str
    count: int
    filter: dict[str, Any]


@dataclass(frozen=True, slots=True)
class CountedLanguage:
    """The source of a language."""

    language: str
    count: int
    type_name: str = "LanguageCount"


@dataclass(frozen=True, slots=True)
class CountedPrice:
    """The source of a price range."""

    currency_code: str
    from_: Decimal
    below: Decimal | None
    count: int
    type_name: str = "PriceCount"


@dataclass(frozen=True, slots=True)
class CountedDecade:
    """The source of a decade."""

    decade: int
    count: int
    type_name: str = "DecadeCount"


@dataclass(frozen=True, slots=True)
class CountedRating:
    """The source of an average rating."""

    rating: int
    count: int
    type_name: str = "RatingCount"


@lru_cache(maxsize=1_000)
def language_name(tag: str) -> str:
    """Return the English name of a BCP 47 tag, or the tag if it has none."""
    from babel import Locale  # it takes time to import and to read the names

    names: dict[str, str] = dict(Locale("en").languages)
    primary, _, subtags = tag.partition("-")
    name = names.get(tag.replace("-", "_"))
    return name or (f"{names[primary]} ({subtags})" if primary in names else tag)


def _language_label(root: strawberry.Parent[CountedLanguage]) -> str:
    return language_name(root.language)


def _language_filter(root: strawberry.Parent[CountedLanguage]) -> BookFilterJSON:
    return BookFilterJSON({"language": {"eq": root.language}})


@strawberry.type(description="A language, and the number of books in it.")
class LanguageCount(FacetValue):
    label: str = object_field(_language_label, LABEL_DESCRIPTION)
    filter: BookFilterJSON = object_field(_language_filter, FILTER_DESCRIPTION)
    language: LanguageCode = strawberry.field(
        description="The language as a BCP 47 tag, for example en or pt-BR."
    )


def _price_label(root: strawberry.Parent[CountedPrice]) -> str:
    if root.below is None:
        return f"{root.from_} {root.currency_code} and more"
    if not root.from_:
        return f"Below {root.below} {root.currency_code}"
    return f"{root.from_} to {root.below} {root.currency_code}"


def _price_filter(root: strawberry.Parent[CountedPrice]) -> BookFilterJSON:
    """Return the range. It clears `currency`, the older way to name the currency of a price."""
    bounds = {"gte": str(root.from_)} | ({} if root.below is None else {"lt": str(root.below)})
    return BookFilterJSON({"price": {"currency": root.currency_code, **bounds}, "currency": None})


@strawberry.type(description="A price range in one currency, and the number of books in it.")
class PriceCount(FacetValue):
    label: str = object_field(_price_label, LABEL_DESCRIPTION)
    filter: BookFilterJSON = object_field(_price_filter, FILTER_DESCRIPTION)
    currency_code: CurrencyCode = strawberry.field(
        description="The currency's ISO 4217 code, for example EUR."
    )
    from_: Decimal = strawberry.field(name="from", description="The lower bound of the range, inclusive.")
    below: Decimal | None = strawberry.field(
        description="The upper bound of the range, exclusive; null for the highest range."
    )


def _decade_label(root: strawberry.Parent[CountedDecade]) -> str:
    return f"{root.decade}s" if root.decade >= 0 else f"{-root.decade} to {-root.decade - 9} BC"


def _decade_filter(root: strawberry.Parent[CountedDecade]) -> BookFilterJSON:
    years = {"gte": max(root.decade, -MAX_YEAR), "lte": root.decade + 9}
    return BookFilterJSON({"published": years})


@strawberry.type(description="A decade, and the number of books published in it.")
class DecadeCount(FacetValue):
    label: str = object_field(_decade_label, LABEL_DESCRIPTION)
    filter: BookFilterJSON = object_field(_decade_filter, FILTER_DESCRIPTION)
    decade: int = strawberry.field(
        description="The first year of the decade, for example 1990. Years BC are negative."
    )


def _rating_label(root: strawberry.Parent[CountedRating]) -> str:
    return {0: "Below 1 star", 5: "5 stars"}.get(root.rating, f"{root.rating} to {root.rating + 1} stars")


def _rating_filter(root: strawberry.Parent[CountedRating]) -> BookFilterJSON:
    bounds = {"gte": root.rating} | ({"lt": root.rating + 1} if root.rating < 5 else {})
    return BookFilterJSON({"rating": bounds})


@strawberry.type(description="An average rating, rounded down, and the number of books that have it.")
class RatingCount(FacetValue):
    label: str = object_field(_rating_label, LABEL_DESCRIPTION)
    filter: BookFilterJSON = object_field(_rating_filter, FILTER_DESCRIPTION)
    rating: int = strawberry.field(description="The average rating, rounded down: 0 to 5.")


def counted_author(entry: FacetEntry) -> CountedRecord:
    return _counted_record("AuthorCount", "Author", entry)


def counted_category(entry: FacetEntry) -> CountedRecord:
    return _counted_record("CategoryCount", "Category", entry)


def _counted_record(type_name: str, record_type: str, entry: FacetEntry) -> CountedRecord:
    key = int(entry.value)
    chosen = {record_type.lower(): {"eq": global_id(record_type, key)}}
    return CountedRecord(type_name, key, entry.name or "", entry.number, chosen)


def counted_language(entry: FacetEntry) -> CountedLanguage:
    return CountedLanguage(entry.value, entry.number)


def counted_price(entry: FacetEntry) -> CountedPrice:
    higher_steps = [step for step in PRICE_STEPS if step > int(entry.value)]
    below = Decimal(higher_steps[0]) if higher_steps else None
    return CountedPrice(entry.currency or "", Decimal(entry.value), below, entry.number)


def counted_decade(entry: FacetEntry) -> CountedDecade:
    return CountedDecade(int(entry.value), entry.number)


def counted_rating(entry: FacetEntry) -> CountedRating:
    return CountedRating(int(entry.value), entry.number)
