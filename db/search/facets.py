"""Facets: how many of a list's books there are by category, author, language, price, decade and rating.

All that are asked for come from one statement. Each leaves out the conditions on what it counts, so that
one sees what else could be chosen. At most MOST_COUNTED books are counted, and a facet says if that cut it.
How many books a category holds without any filter stands in its counter.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from db.books import BY_CATEGORY, IN_CATALOG
from db.database import PLANNED_ANEW, Database
from db.pages import Scope
from db.search.bands import BANDS, from_the_top, in_band
from db.search.conditions import ALWAYS, Condition, alone, fixed, members
from db.search.filters import Facet, Filter
from db.search.text import Meaning

MOST_COUNTED = 5_000
"""Of more books those that most readers rated are counted."""

MOST_OF_MANY = 1_000
"""The same where a text finds too many to name them: each is looked for among the books of the list."""

PRICE_STEPS = (0, 5, 10, 20, 50, 100)
"""Where price bands begin, in any currency."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A facet that is asked for: its `size` largest entries; categories below `parent`, or else below the
    list's own category, or else without a parent."""

    facet: Facet
    size: int
    parent: int | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """`number` books with a value: a key, a language, or where a band or decade begins. Prices are in a
    `currency`."""

    value: str
    number: int
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class Counted:
    """A facet's entries; with `capped` there were more books than were counted."""

    entries: tuple[Entry, ...]
    capped: bool


VALUES: Mapping[Facet, tuple[str, str, str]] = {
    Facet.LANGUAGES: ("m.language", "NULL::text", "m.language IS NOT NULL"),
    Facet.PRICES: (
        f"(ARRAY[{', '.join(map(str, PRICE_STEPS))}])"
        f"[width_bucket(m.price, ARRAY[{', '.join(map(str, PRICE_STEPS))}]::numeric[])]",
        "m.currency",
        "m.price IS NOT NULL",
    ),
    Facet.DECADES: (
        "floor(m.published_key / 100000.0::float8)::integer * 10",
        "NULL::text",
        "m.published_key IS NOT NULL",
    ),
    Facet.RATINGS: ("floor(m.rating_average)::integer", "NULL::text", "m.rating_average IS NOT NULL"),
}
"""The SQL of a facet's value and of its currency, and which books have one."""

COLUMNS: Mapping[Facet, tuple[str, ...]] = {
    Facet.LANGUAGES: ("{l}.language",),
    Facet.PRICES: ("{l}.price", "{l}.currency"),
    Facet.DECADES: ("{l}.published_key",),
    Facet.RATINGS: ("{l}.rating_average",),
}


async def facets_of_search(
    database: Database,
    scope: Scope,
    parents: Sequence[int],
    asked: Sequence[Asked],
    wanted: Filter,
    meaning: Meaning | None,
) -> list[dict[Asked, Counted]]:
    """The facets of each parent's books, in the order of the parents."""
    text, values = facet_statement(scope, parents, asked, wanted, meaning)
    rows = await database.fetch(
        text, parents, (MOST_OF_MANY if is_of_many(meaning) else MOST_COUNTED) + 1, *values
    )
    found: list[dict[Asked, Counted]] = [dict.fromkeys(asked, Counted((), capped=False)) for _ in parents]
    entries: dict[tuple[int, int], list[Entry]] = {}
    for ordinal, place, value, currency, number, capped in rows:
        listed = entries.setdefault((ordinal, place), [])
        if value is not None:
            listed.append(Entry(value, number, currency))
        found[ordinal - 1][asked[place]] = Counted(tuple(listed), capped)
    return found


def facet_statement(
    scope: Scope, parents: Sequence[int], asked: Sequence[Asked], wanted: Filter, meaning: Meaning | None
) -> tuple[str, list[object]]:
    """The text, and its values from the third parameter on.

    Facets without conditions of their own count the same books, which are read once.
    """
    banded = is_of_many(meaning)
    owners = {facet for facet, _ in wanted.own}
    groups: dict[Facet | None, list[int]] = {}
    for place, each in enumerate(asked):
        groups.setdefault(each.facet if each.facet in owners else None, []).append(place)
    sets: list[str] = []
    counts: list[str] = []
    values: list[object] = []
    for number, (left_out, places) in enumerate(groups.items()):
        asked_for = wanted.search(meaning, left_out).condition
        condition, within = asked_for, alone(scope, parents)
        if wanted.place and scope == IN_CATALOG and left_out is not wanted.place.facet:
            condition = wanted.search(meaning, left_out, wanted.place.facet).condition
            values.append(wanted.place.key)
            within = fixed(wanted.place.scope, f"${2 + len(values)}::bigint")
        kinds = [asked[place].facet for place in places]
        sets.append(book_set(within, f"m{number}", kinds, condition, 3 + len(values), banded=banded))
        values += condition.values
        for place in places:
            if asked[place].parent is not None:
                values.append(asked[place].parent)
            which = drilled(scope, asked[place], 2 + len(values))
            if asked[place].facet is Facet.CATEGORIES and counters_say(scope, asked[place], asked_for):
                counts.append(counters_of(asked[place], place, which))
            else:
                counts.append(count_of(asked[place], place, f"m{number}", which))
    return (
        f"""
/* {scope.name}_facets {PLANNED_ANEW} */
SELECT parent.ordinal::integer, facet.place, facet.value::text, facet.currency, facet.number, facet.capped
FROM unnest($1::bigint[]) WITH ORDINALITY AS parent (id, ordinal)
CROSS JOIN LATERAL (
    WITH {", ".join(sets)}
    {" UNION ALL ".join(counts)}
) AS facet
ORDER BY parent.ordinal, facet.place, facet.number DESC, facet.value
""",
        values,
    )


def is_of_many(meaning: Meaning | None) -> bool:
    """Whether there is a text, and what it finds is not named."""
    return meaning is not None and meaning.book_ids is None


def book_set(
    scope: Scope, name: str, facets: Sequence[Facet], condition: Condition, first: int, *, banded: bool
) -> str:
    """The books that some facets count, and one more: whether there is that one."""
    columns = dict.fromkeys(column for facet in facets for column in COLUMNS.get(facet, ()))
    selected = ", ".join(["{id} AS id", "{l}.rating_count AS ratings", *columns])
    most_popular = "ORDER BY ratings DESC, id DESC LIMIT $2::integer"
    if banded:
        bands = (in_band(condition, band) for band in BANDS)
        parts = [members(scope, each, first, selected, most_popular) for each in bands]
        rows = from_the_top(parts, "$2::integer")
    else:
        rows = members(scope, condition, first, selected, most_popular)
    return (
        f"{name} AS MATERIALIZED ({rows}),"
        f" {name}_size AS (SELECT count(*) = $2::integer AS capped FROM {name})"
    )


def counters_say(scope: Scope, asked: Asked, condition: Condition) -> bool:
    """Whether the categories' own counters have the numbers."""
    whole = scope == IN_CATALOG or (scope == BY_CATEGORY and asked.parent is None)
    return whole and condition == ALWAYS


def counters_of(asked: Asked, place: int, which: str) -> str:
    return (
        f"(SELECT {place} AS place, c.id::text AS value, NULL::text AS currency, c.book_count AS number,"
        f" false AS capped FROM category AS c WHERE {which} AND c.book_count > 0"
        f" ORDER BY number DESC, c.id LIMIT {asked.size})"
    )


def count_of(asked: Asked, place: int, books: str, which: str) -> str:
    """One facet's rows, or an empty one; `which` says which categories are counted.

    OFFSET 0 keeps the planner at looking up each counted book: it takes them for far more than they are.
    Which categories are counted is looked up after that: a catalog may have 18,000 without a parent.
    """
    counted_books = f"(SELECT * FROM {books} LIMIT $2::integer - 1)"
    if asked.facet in VALUES:
        value, currency, known = VALUES[asked.facet]
        counted = (
            f"SELECT {value} AS value, {currency} AS currency, count(*) AS number"
            f" FROM {counted_books} AS m WHERE {known} GROUP BY 1, 2"
        )
    elif asked.facet is Facet.AUTHORS:
        counted = (
            "SELECT f.author_id AS value, NULL::text AS currency, count(*) AS number"
            f" FROM {counted_books} AS m CROSS JOIN LATERAL ("
            "SELECT a.author_id FROM author_listing AS a WHERE a.book_id = m.id OFFSET 0"
            ") AS f GROUP BY 1"
        )
    else:
        counted = (
            f"WITH chosen AS MATERIALIZED (SELECT c.id FROM category AS c WHERE {which})"
            " SELECT f.category_id AS value, NULL::text AS currency, count(*) AS number"
            f" FROM {counted_books} AS m CROSS JOIN LATERAL ("
            "SELECT k.category_id FROM category_listing AS k WHERE k.book_id = m.id OFFSET 0"
            ") AS f WHERE f.category_id IN (SELECT id FROM chosen) GROUP BY 1"
        )
    return (
        f"(SELECT {place} AS place, c.value::text AS value, c.currency, c.number, s.capped"
        f" FROM {books}_size AS s LEFT JOIN ({counted} ORDER BY number DESC, value LIMIT {asked.size}) AS c"
        " ON true)"
    )


def drilled(scope: Scope, asked: Asked, last: int) -> str:
    """Which categories are counted."""
    if asked.parent is not None:
        return f"c.parent_id = ${last}::bigint"
    return "c.parent_id = parent.id" if scope.table == "category_listing" else "c.parent_id IS NULL"
