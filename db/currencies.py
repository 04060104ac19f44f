"""The decimals of currencies, from the list of ISO 4217."""

_DECIMALS = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
_USUAL_DECIMALS = 2


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
