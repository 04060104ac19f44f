"""Offers: the price and the stock of books, the write that a shop does most."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from db.constraints import MAX_PRICE_DECIMALS, PRICE_LIMIT
from db.currencies import find_excess_decimals
from db.importing.codes import CURRENCIES
from db.statements import WriteStatement
from db.writes.book_keys import BookKey, lock_books
from db.writes.faults import Fault, FaultCode, FaultPath, WriteRejectedError, reject
from db.writes.session import WriteTransaction

MAX_STOCK = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Price:
    """An amount of a currency (ISO 4217)."""

    amount: Decimal
    currency: str

    @property
    def stored_amount(self) -> Decimal:
        """The amount without the zeros after MAX_PRICE_DECIMALS, which the table refuses."""
        exponent = self.amount.as_tuple().exponent
        has_zeros = isinstance(exponent, int) and exponent < -MAX_PRICE_DECIMALS
        return round(self.amount, MAX_PRICE_DECIMALS) if has_zeros else self.amount


@dataclass(frozen=True, slots=True)
class Offer:
    """What is set of one book, at a path of the input.

    `sets_price` with the price None takes the book off sale; stock None stays.
    """

    path: FaultPath
    key: BookKey
    sets_price: bool = False
    price: Price | None = None
    stock: int | None = None


_UPDATE_OFFERS = WriteStatement(
    "update_offers",
    """
UPDATE book AS b
SET price = CASE WHEN o.sets_price THEN o.price ELSE b.price END,
    currency = CASE WHEN o.sets_price THEN o.currency ELSE b.currency END,
    stock = coalesce(o.stock, b.stock)
FROM unnest($1::bigint[], $2::boolean[], $3::numeric[], $4::text[], $5::integer[])
    AS o (id, sets_price, price, currency, stock)
WHERE b.id = o.id
""",
)


async def update_offers(transaction: WriteTransaction, offers: Sequence[Offer]) -> list[int]:
    """Set the prices and stocks. Return the ids of the books, in the order of the offers.

    Raises WriteRejectedError with all invalid values, unknown books and conflicts.
    """
    faults = [fault for offer in offers for fault in _find_faults(offer)]
    try:
        rows = await lock_books(transaction, [offer.key for offer in offers])
    except WriteRejectedError as error:
        # The faults of one offer stand together.
        found = sorted([*faults, *error.faults], key=lambda fault: fault.path[: len(offers[0].path)])
        raise WriteRejectedError(found, current_id=error.current_id) from error
    if faults:
        raise WriteRejectedError(faults)
    ids = [row["id"] for row in rows]
    prices = [offer.price for offer in offers]
    await transaction.fetch(
        _UPDATE_OFFERS,
        ids,
        [offer.sets_price for offer in offers],
        [price and price.stored_amount for price in prices],
        [price and price.currency for price in prices],
        [offer.stock for offer in offers],
    )
    return ids


_SET_STOCK = WriteStatement(
    "set_stock",
    """
UPDATE book SET stock = $2::integer WHERE id = $1::bigint
""",
)


async def adjust_stock(transaction: WriteTransaction, key: BookKey, delta: int) -> int:
    """Add `delta` to the stock of a book. Return its id.

    Raises WriteRejectedError if the book is unknown, or the stock would be negative or too large.
    """
    row = (await lock_books(transaction, [key]))[0]
    stock = row["stock"] + delta
    if stock < 0:
        message = f"The stock is {row['stock']}: {-delta} cannot be taken from it."
        raise reject(("delta",), FaultCode.INSUFFICIENT_STOCK, message)
    if stock > MAX_STOCK:
        message = f"The stock would be {stock:,}; at most {MAX_STOCK:,} is possible."
        raise reject(("delta",), FaultCode.INVALID, message)
    await transaction.fetch(_SET_STOCK, row["id"], stock)
    return row["id"]


def _find_faults(offer: Offer) -> list[Fault]:
    path = offer.path
    faults = check_price((*path, "price"), offer.price)
    if offer.stock is not None and offer.stock < 0:
        message = f"The stock is {offer.stock}; it cannot be negative."
        faults.append(Fault((*path, "stock"), FaultCode.INVALID, message))
    return faults


def check_price(path: FaultPath, price: Price | None) -> list[Fault]:
    """Return the faults of a price."""
    if price is None:
        return []
    faults: list[Fault] = []
    amount = price.amount
    if not 0 <= amount < PRICE_LIMIT:
        message = f"The amount is {amount}; it must be at least 0 and below {PRICE_LIMIT:,}."
        faults.append(Fault((*path, "amount"), FaultCode.INVALID, message))
    elif amount != round(amount, MAX_PRICE_DECIMALS):
        message = f"The amount {amount} has more than {MAX_PRICE_DECIMALS} decimals."
        faults.append(Fault((*path, "amount"), FaultCode.INVALID, message))
    if price.currency not in CURRENCIES:
        message = f"{price.currency[:10]!r} is no currency code of ISO 4217, such as EUR."
        faults.append(Fault((*path, "currency_code"), FaultCode.INVALID, message))
    elif not faults and (reason := find_excess_decimals(amount, price.currency)):
        message = f"The amount is {amount}, but {reason}."
        faults.append(Fault((*path, "amount"), FaultCode.INVALID, message))
    return faults
