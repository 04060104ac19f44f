"""The decimals of currencies, from the list of ISO 4217 (list one, "minor unit")."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

_DECIMALS = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
_USUAL_DECIMALS = 2
_DECIMALS_OF = {code: decimals for decimals, codes in _DECIMALS.items() for code in codes.split()}


def find_excess_decimals(amount: Decimal, currency: str) -> str | None:
    """Return what is wrong with an amount that has more decimals than its currency, or None."""
    decimals = _DECIMALS_OF.get(currency, _USUAL_DECIMALS)
    if amount.as_tuple().exponent >= -decimals:  # type: ignore[operator]  # a number has an exponent
        return None
    step = Decimal(1).scaleb(-decimals)
    lower, upper = (amount.quantize(step, rounding) for rounding in (ROUND_FLOOR, ROUND_CEILING))
    if lower == upper:
        return None
    return f"{currency} has {decimals or 'no'} decimals; write {lower} or {upper}"


def amount_sql(amount: str, currency: str) -> str:
    """Return the SQL of an amount as text, without zeros that its currency does not have.

    It has the currency's decimals, and more only if the amount has more.
    """
    cases = " ".join(
        f"WHEN {currency} IN ({', '.join(repr(code) for code in codes.split())}) THEN {decimals}"
        for decimals, codes in _DECIMALS.items()
    )
    decimals = f"CASE {cases} ELSE {_USUAL_DECIMALS} END"
    return f"round({amount}, greatest(min_scale({amount}), {decimals}))::text"
