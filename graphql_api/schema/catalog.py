"""The type Catalog: the catalog as a whole."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any

import strawberry

from db import catalog as catalog_reads
from graphql_api.context import Context
from graphql_api.execution.cost_directives import ListSize
from graphql_api.execution.fields import BatchResult, batch_field
from graphql_api.loaders.catalog import WHOLE_CATALOG, catalog_value
from graphql_api.schema.costs import NO_ROWS, ONE_ROW
from graphql_api.schema.scalars import CurrencyCode, LanguageCode


class CatalogSource:
    """The source of the catalog. Nothing is read until one of its fields is selected."""


_CODE_LIST = ListSize(assumed_size=20)
_BOOK_COUNT = "The number of books."


def _catalog_field(read: Callable[..., Any], description: str, *costs: object, attribute: str = "") -> Any:
    """Return a field of what `read` returns of the catalog, or of one of its attributes."""

    def load(catalogs: Sequence[object], context: Context) -> Awaitable[BatchResult]:
        values = catalog_value(context.loaders, read).load_all([WHOLE_CATALOG] * len(catalogs))
        return values.then(
            lambda loaded: [getattr(each, attribute) if attribute else each for each in loaded]
        )

    return batch_field(load, description, *costs)


@strawberry.type(description="A language of books.", directives=[NO_ROWS])
class CatalogLanguage:
    code: LanguageCode = strawberry.field(
        description="The language as a BCP 47 tag, for example en or pt-BR."
    )
    books: int = strawberry.field(name="bookCount", description=_BOOK_COUNT)


@strawberry.type(description="A currency of prices.", directives=[NO_ROWS])
class CatalogCurrency:
    code: CurrencyCode = strawberry.field(description="The currency's ISO 4217 code, for example EUR.")
    books: int = strawberry.field(name="bookCount", description=_BOOK_COUNT)


@strawberry.type(
    description="The catalog as a whole. Its numbers come from counters, however many books there are.",
    directives=[NO_ROWS],
)
class Catalog:
    book_count: int = _catalog_field(catalog_reads.catalog_size, _BOOK_COUNT, ONE_ROW, attribute="books")
    author_count: int = _catalog_field(
        catalog_reads.catalog_size, "The number of authors.", ONE_ROW, attribute="authors"
    )
    category_count: int = _catalog_field(
        catalog_reads.catalog_size, "The number of categories.", ONE_ROW, attribute="categories"
    )
    updated_at: datetime | None = _catalog_field(
        catalog_reads.catalog_updated_at,
        "The time of the last change of a book; null without books. It does not move when a book is deleted "
        "or taken off sale.",
        ONE_ROW,
    )
    languages: list[CatalogLanguage] = _catalog_field(
        catalog_reads.catalog_languages, "The languages of the books, those of most books first.", _CODE_LIST
    )
    currencies: list[CatalogCurrency] = _catalog_field(
        catalog_reads.catalog_currencies,
        "The currencies of the books' prices, those of most books first.",
        _CODE_LIST,
    )
