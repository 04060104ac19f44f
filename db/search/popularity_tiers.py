"""Popularity tiers: each search document contains the tier of its book's rating count.

The most popular hits of a text are read tier by tier. This reads neither less popular hits nor popular books
that do not match. The words of titles and authors are also indexed on their own, behind the digit of a tier.
"""

from dataclasses import replace

from db.constraints import TIER_THRESHOLDS
from db.search.conditions import Condition
from db.search.tsquery import AllOf, AnyOf, Expression, Phrase, Term, all_of, any_of, quote_lexeme, tsquery

TIER_LEXEMES = ("#0", "#1", "#2", "#3a", "#3b", "#3c", "#3d")
"""The lexeme of each tier in the documents. All documents of the last four also have `#3`."""

TIERS = tuple(range(len(TIER_THRESHOLDS), -1, -1))
"""The numbers of the tiers, most popular first."""

_AUTHOR_MARK = "@"
"""What is before a word of the authors in tiered_names(), behind the digit of the tier."""


def in_tier(condition: Condition, tier: int) -> Condition:
    """Return the condition restricted to a tier, also in the tsquery if it matches documents."""
    lower_bound = f"{{l}}.rating_count >= {TIER_THRESHOLDS[tier - 1]}" if tier else "true"
    upper_bound = f"{{l}}.rating_count < {TIER_THRESHOLDS[tier]}" if tier < len(TIER_THRESHOLDS) else "true"
    with_tier_clause = condition.sql.replace(
        "{tier_clause}", f" && $${quote_lexeme(TIER_LEXEMES[tier])}$$::tsquery"
    )
    return replace(condition, sql=f"({with_tier_clause}) AND {lower_bound} AND {upper_bound}")


def names_in_tiers(expression: Expression) -> tuple[str, ...]:
    """Return the tsquery for tiered_names() of each of TIERS: the words are in the title or the authors.

    The two words of a phrase may be anywhere in them.
    """
    return tuple(tsquery(_names_in_tier(expression, str(tier))) for tier in TIERS)


def _names_in_tier(expression: Expression, digit: str) -> Expression:
    match expression:
        case Term(word, is_prefix):
            return any_of(Term(digit + mark + word, is_prefix) for mark in ("", _AUTHOR_MARK))
        case Phrase(first, second):
            return all_of(_names_in_tier(Term(word), digit) for word in (first, second))
        case AllOf(parts):
            return all_of(_names_in_tier(part, digit) for part in parts)
        case AnyOf(parts):
            return any_of(_names_in_tier(part, digit) for part in parts)


def popular_hits_sql(query: str, named: str, named_in_tiers: str, limit: int) -> str:
    """Return the SQL for `limit` books that match a tsquery: those with the words in title or authors first.

    `named` is the tsquery of these, and `named_in_tiers` the array of names_in_tiers(), all as SQL. More
    popular tiers come first. Books of a tier are not sorted: looking up the rating of each costs more than
    all the rest. Subqueries hide the values from the planner, which would make a plan for each.
    """
    named = f"(SELECT {named}::tsquery)"
    conditions = [
        f"document @@ (SELECT {query}::tsquery && $${quote_lexeme(TIER_LEXEMES[tier])}$$::tsquery)"
        f" AND NOT (document @@ {named}) IS TRUE"
        for tier in TIERS
    ]
    parts = [
        *_named_books("book_id AS id", named, named_in_tiers, limit),
        *(f"SELECT book_id AS id FROM book_search WHERE {each} LIMIT {limit}" for each in conditions),
    ]
    return union_until_limit(parts, limit)


def popularity_sql(document: str, named: str) -> str:
    """Return the SQL for a document's place in the order of popular_hits_sql(): the highest comes first."""
    tiers = " ".join(
        f"WHEN {document} @@ $${quote_lexeme(TIER_LEXEMES[tier])}$$::tsquery THEN {tier}"
        for tier in reversed(TIERS[1:])
    )
    return f"CASE WHEN {document} @@ {named} THEN {len(TIERS)} ELSE 0 END + CASE {tiers} ELSE {TIERS[0]} END"


def popular_names_sql(columns: str, named: str, named_in_tiers: str, limit: str) -> str:
    """Return the SQL for columns of `limit` rows of `book_search` with the words in title or authors.

    The parameters and the order are those of popular_hits_sql().
    """
    return union_until_limit(_named_books(columns, named, named_in_tiers, limit), limit)


def _named_books(columns: str, named: str, named_in_tiers: str, limit: int | str) -> list[str]:
    """Return the SELECT of each tier for the books that have the words of `named` in title or authors."""
    return [
        f"SELECT {columns} FROM book_search"
        f" WHERE tiered_names(document) @@ (SELECT ({named_in_tiers}::text[])[{place}]::tsquery)"
        f" AND (document @@ {named}) IS TRUE LIMIT {limit}"
        for place in range(1, len(TIERS) + 1)
    ]


def union_until_limit(parts: list[str], limit: int | str) -> str:
    """Return the SQL that reads the parts in turn until it has `limit` rows."""
    return f"{' UNION ALL '.join(f'({part})' for part in parts)} LIMIT {limit}"
