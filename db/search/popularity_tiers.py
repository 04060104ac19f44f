"""Popularity tiers: each search document contains the tier of its book's rating count.

The most popular hits of a text are read tier by tier. This reads neither less popular hits nor popular books
that do not match.
"""

from dataclasses import replace

from db.constraints import TIER_THRESHOLDS
from db.search.conditions import Condition
from db.search.tsquery import quote_lexeme

TIER_LEXEMES = ("#0", "#1", "#2", "#3a", "#3b", "#3c", "#3d")
"""The lexeme of each tier in the documents. All documents of the last four also have `#3`."""

TIERS = tuple(range(len(TIER_THRESHOLDS), -1, -1))
"""The numbers of the tiers, most popular first."""


def in_tier(condition: Condition, tier: int) -> Condition:
    """Return the condition restricted to a tier, also in the tsquery if it matches documents."""
    lower_bound = f"{{l}}.rating_count >= {TIER_THRESHOLDS[tier - 1]}" if tier else "true"
    upper_bound = f"{{l}}.rating_count < {TIER_THRESHOLDS[tier]}" if tier < len(TIER_THRESHOLDS) else "true"
    with_tier_clause = condition.sql.replace(
        "{tier_clause}", f" && $${quote_lexeme(TIER_LEXEMES[tier])}$$::tsquery"
    )
    return replace(condition, sql=f"({with_tier_clause}) AND {lower_bound} AND {upper_bound}")


def hits_in_tier_sql(tsquery: str, tier: int, limit: int) -> str:
    """Return the SQL for at most `limit` of the books in a tier that match a tsquery, a parameter.

    Books of the tier are not sorted: looking up the rating of each costs more than all the rest.
    """
    lexeme = quote_lexeme(TIER_LEXEMES[tier])
    return (
        "SELECT book_id AS id FROM book_search"
        f" WHERE document @@ ({tsquery}::tsquery && $${lexeme}$$::tsquery) LIMIT {limit}"
    )


def union_until_limit(parts: list[str], limit: int | str) -> str:
    """Return the SQL that reads the parts in turn until it has `limit` rows."""
    return f"{' UNION ALL '.join(f'({part})' for part in parts)} LIMIT {limit}"
