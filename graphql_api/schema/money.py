"""Amounts of money."""

from decimal import Decimal

import strawberry

from db import books as book_reads
from graphql_api.schema.costs import NO_ROWS
from graphql_api.schema.scalars import CurrencyCode


@strawberry.type(description="An amount of money.", directives=[NO_ROWS])
class Money:
    record_class = book_reads.PricedBook

    price: Decimal = strawberry.field(
        name="amount",
        description="The exact amount. It has the decimals of its currency, for example 12.90 (EUR) or 500 "
        "(JPY), and more only if the price has more.",
    )
    currency: CurrencyCode = strawberry.field(
        name="currencyCode", description="The currency's ISO 4217 code, for example EUR."
    )
