"""Bands of popularity: a document says which one its book is in, so that the most popular hits of a text are
read band by band, without those that are less popular, and without popular books that are no hits."""

from dataclasses import replace

from db.search.conditions import Condition

STEPS = (16, 64, 256)
"""The rating counts at which a band begins, as in the function popularity() of the database."""

BANDS = tuple(range(len(STEPS), -1, -1))
"""Their numbers, the most popular first."""


def in_band(condition: Condition, band: int) -> Condition:
    """The condition on the books of a band. Its documents are asked for where the condition reads them."""
    least = f"{{l}}.rating_count >= {STEPS[band - 1]}" if band else "true"
    below = f"{{l}}.rating_count < {STEPS[band]}" if band < len(STEPS) else "true"
    of_band = condition.sql.replace("{band}", f" && '''#{band}'''::tsquery")
    return replace(condition, sql=f"({of_band}) AND {least} AND {below}")


def from_the_top(parts: list[str], most: int | str) -> str:
    """The rows of the bands, one after the other, until there are enough."""
    return f"{' UNION ALL '.join(f'({part})' for part in parts)} LIMIT {most}"
