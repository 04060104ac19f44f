"""Parse prices with or without a currency, and find the decimal mark of a column."""

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Literal

from db.constraints import MAX_PRICE_DECIMALS, PRICE_LIMIT
from db.currencies import find_excess_decimals
from db.importing.codes import CURRENCIES
from db.importing.field_parsers.errors import FieldError
from db.importing.field_parsers.numbers import MAX_NUMBER_LENGTH
from db.importing.field_parsers.placeholders import is_placeholder

DecimalMark = Literal["", ".", ","]
"""The decimal mark of a column; "" if its cells do not tell."""

_PRICE_STEP = Decimal(1).scaleb(-MAX_PRICE_DECIMALS)

_SIGNS = {
    "€": "EUR", "euro": "EUR", "euros": "EUR", "£": "GBP", "us$": "USD", "usd$": "USD", "a$": "AUD", "au$": "AUD",
    "c$": "CAD", "ca$": "CAD", "nz$": "NZD", "hk$": "HKD", "s$": "SGD", "r$": "BRL", "mx$": "MXN", "nt$": "TWD",
    "₹": "INR", "rs.": "INR", "₽": "RUB", "руб.": "RUB", "₩": "KRW", "₺": "TRY", "zł": "PLN", "kč": "CZK",
    "₪": "ILS", "₫": "VND", "₴": "UAH", "฿": "THB", "₱": "PHP", "sfr": "CHF", "sfr.": "CHF", "fr.": "CHF",
    "元": "CNY", "円": "JPY", "lei": "RON", "ft": "HUF",
}  # fmt: skip
_DOLLARS = """
USD AUD CAD NZD HKD SGD MXN ARS CLP COP TWD BBD BMD BSD BZD FJD GYD JMD KYD LRD NAD SBD SRD TTD XCD
"""
_CROWNS = frozenset(("SEK", "NOK", "DKK", "ISK"))
_YEN_OR_YUAN = frozenset(("JPY", "CNY"))
# Signs of several currencies. They are read if the price's column or --currency names one of them.
_SHARED_SIGNS = {
    "$": frozenset(_DOLLARS.split()), "¥": _YEN_OR_YUAN, "￥": _YEN_OR_YUAN, "kr": _CROWNS, "kr.": _CROWNS,
}  # fmt: skip
_NO_PRICE = "not a price such as 12.50, 12,50 € or USD 1,234.50"
_FREE = frozenset(("free", "gratis", "kostenlos", "gratuit"))

_SPACES = "[ '’\u00a0\u2009\u202f]"
_AMOUNT = re.compile(rf"[-+]?(?:[0-9.,]|(?<=[0-9]){_SPACES}(?=[0-9]))+")
_BY_SPACES = re.compile(rf"[0-9]{{1,3}}(?:{_SPACES}[0-9]{{3}})+(?:[.,][0-9]+)?")
_BY_COMMAS = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+\.[0-9]*|[0-9]{1,3}(?:,[0-9]{3}){2,}")
_BY_POINTS = re.compile(r"[0-9]{1,3}(?:\.[0-9]{3})+,[0-9]*|[0-9]{1,3}(?:\.[0-9]{3}){2,}")
_EITHER = re.compile(r"([1-9][0-9]{0,2})([.,])([0-9]{3})")
_PLAIN = re.compile(r"[0-9]*[.,]?[0-9]*")
_SWISS = re.compile(r"([0-9]+)[.,](?:-|–|—)")


def parse_price(
    text: str,
    currency: str,
    default_currency: str | None = None,
    decimal_mark: DecimalMark = "",
    *,
    literal: bool = False,
) -> tuple[Decimal, str] | tuple[None, None]:
    """Return the price and its currency, or None for both if there is no price.

    The currency is that of `currency`, else that within the text, else the default. Without a decimal mark,
    one separator before three digits ("1.800") is ambiguous and raises FieldError. So do more decimals than the
    currency has, unless the price is `literal`: an older catalog may hold them.
    """
    text = text.strip()
    if not text or is_placeholder(text):
        return None, None
    amount, sign = _parse_amount(text, decimal_mark)
    if not 0 <= amount < PRICE_LIMIT:
        raise FieldError("price", text, "not between 0 and 9,999,999,999.9999")
    if amount.as_tuple().exponent < -MAX_PRICE_DECIMALS:  # type: ignore[operator]  # a number has an exponent
        exact, amount = amount, amount.quantize(_PRICE_STEP)
        if amount != exact:
            raise FieldError("price", text, f"more than {MAX_PRICE_DECIMALS} decimals")
    code = _choose_currency(text, sign, currency, default_currency)
    if not literal and (reason := find_excess_decimals(amount, code)):
        raise FieldError("price", text, reason)
    return amount, code


def _parse_amount(text: str, decimal_mark: DecimalMark) -> tuple[Decimal, str]:
    """Return the amount and what is written beside it."""
    if (
        text.isascii()
        and text.replace(".", "", 1).isdecimal()
        and text[-4:-3] != "."
        and len(text) <= MAX_NUMBER_LENGTH
    ):
        return Decimal(text), ""
    if text.casefold() in _FREE:
        return Decimal(0), ""
    value = text
    if match := _SWISS.search(value):
        value = value.replace(match[0], match[1], 1)
    numbers = [found for found in _AMOUNT.finditer(value) if any(map(str.isdecimal, found[0]))]
    if len(numbers) != 1 or len(text) > MAX_NUMBER_LENGTH or not re.sub(_SPACES, "", numbers[0][0]).isascii():
        raise FieldError("price", text, _NO_PRICE)
    number = numbers[0]
    start = number.start()
    sign = f"{value[:start]} {value[number.end() :]}".strip()
    digits = number[0].strip().rstrip(".,") if sign and number[0].endswith((".", ",")) else number[0]
    return _read_digits(text, digits, decimal_mark), sign


def _read_digits(text: str, number: str, decimal_mark: DecimalMark) -> Decimal:
    negative, number = number.startswith("-"), number.lstrip("+-")
    if match := _EITHER.fullmatch(number):
        if not decimal_mark:
            raise FieldError("price", text, _ambiguity(match))
        plain = number.replace(",", ".") if match[2] == decimal_mark else match[1] + match[3]
    elif _BY_SPACES.fullmatch(number):
        plain = re.sub(_SPACES, "", number).replace(",", ".")
    elif _BY_COMMAS.fullmatch(number):
        plain = number.replace(",", "")
    elif _BY_POINTS.fullmatch(number):
        plain = number.replace(".", "").replace(",", ".")
    elif _PLAIN.fullmatch(number):
        plain = number.replace(",", ".")
    else:
        raise FieldError("price", text, _NO_PRICE)
    return -Decimal(plain) if negative else Decimal(plain)


def _ambiguity(match: re.Match[str]) -> str:
    whole, _, rest = match.groups()
    return (
        f"{whole}{rest} or {whole}.{rest}? say --decimal-comma or --decimal-point, or write {whole}{rest}.00"
    )


def _choose_currency(text: str, sign: str, currency: str, default_currency: str | None) -> str:
    given = currency.strip()
    code = (_find_code(given, default_currency) if given else None) or (None if given else default_currency)
    if given and code is None:
        raise FieldError("currency", currency, "not an ISO 4217 code such as EUR")
    if sign:
        if any(mark in sign for mark in "()-"):
            raise FieldError("price", text, _NO_PRICE)
        shared = _SHARED_SIGNS.get(sign.casefold())
        if shared is not None:
            if code in shared and code:
                return code
            raise FieldError(
                "price", text, f"{sign} is the sign of several currencies; name one with --currency"
            )
        own = _find_code(sign, None)
        if own is None:
            raise FieldError("price", text, f"{sign} is no currency; write the ISO 4217 code, such as EUR")
        if given and own != code:
            raise FieldError(
                "price", text, f"in {own}, but the currency of this row is {code}; write one of them"
            )
        return own
    if not code:
        raise FieldError(
            "currency", currency, "a price needs a currency; write one such as EUR, or say --currency"
        )
    if code not in CURRENCIES:
        raise FieldError("currency", currency, "not an ISO 4217 code such as EUR")
    return code


def _find_code(text: str, default_currency: str | None) -> str | None:
    """Return the currency of a code or a sign. A sign of several currencies is that of the default."""
    code = text.upper()
    if code in CURRENCIES:
        return code
    folded = text.casefold()
    if default_currency in _SHARED_SIGNS.get(folded, ()):
        return default_currency
    return _SIGNS.get(folded)


def contains_currency(text: str) -> bool:
    """Return whether a price names its currency."""
    sign = _AMOUNT.sub(" ", text).strip()
    return bool(sign) and _find_code(sign, None) is not None


def find_decimal_mark(prices: Iterable[str]) -> DecimalMark:
    """Return the decimal mark that the prices of a column show, or "" if none or both do."""
    marks: set[DecimalMark] = set()
    for text in prices:
        for found in _AMOUNT.findall(text):
            number = found.lstrip("+-")
            if _EITHER.fullmatch(number):
                continue
            if _BY_COMMAS.fullmatch(number):
                marks.add(".")
            elif _BY_POINTS.fullmatch(number):
                marks.add(",")
            elif mark := re.search(r"([.,])[0-9]{1,4}$", number):
                marks.add("." if mark[1] == "." else ",")
    return marks.pop() if len(marks) == 1 else ""
