"""Facets: the books of a list counted by category, author, language, price, decade and rating.

One statement reads all requested facets. Each facet leaves out the conditions on the attribute it counts, so
that it shows the alternatives. At most FACET_BOOK_LIMIT books are counted; beyond that a facet is `capped`.
Without any filter, a category's number of books comes from its counter.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from db.books import ALL_BOOKS, BY_CATEGORY, DIRECTLY_IN_CATEGORY
from db.database import Database
from db.keyset import Scope
from db.search.conditions import ALWAYS, Condition, bind_parent, bind_single_parent, select_rows_sql
from db.search.filters import Facet, Filter
from db.search.popularity_tiers import TIERS, in_tier, union_until_limit
from db.search.text_query import TextQuery
from db.statements import ReadStatement
from db.trends import TRENDING_DIRECTLY_IN_CATEGORY, TRENDING_IN_CATEGORY

FACET_BOOK_LIMIT = 5_000
"""Maximum number of books that a facet counts; of more books, those with the most ratings."""

CATEGORY_SCAN_FACTOR = 4
"""If no counted book is in a category of the facet, this many times as many are scanned for some that are."""

FACET_BOOK_LIMIT_BROAD_TEXT = 1_000
"""The same limit for a text whose hits are not known by their ids: each candidate is checked on its own."""

PRICE_STEPS = (0, 5, 10, 20, 50, 100)
"""Lower bounds of the price ranges, in any currency."""


_CATEGORY_SCOPES = (BY_CATEGORY, DIRECTLY_IN_CATEGORY, TRENDING_IN_CATEGORY, TRENDING_DIRECTLY_IN_CATEGORY)


@dataclass(frozen=True, slots=True)
class FacetRequest:
    """A request for the `size` largest entries of a facet.

    Categories are counted below `parent`, by default below the list's category, or else at the root.
    """

    facet: Facet
    size: int
    parent: int | None = None


@dataclass(frozen=True, slots=True)
class FacetEntry:
    """The `number` of books with a value: an id, a language, or the start of a range or decade.

    Price ranges have a `currency`; authors and categories have a `name`.
    """

    value: str
    number: int
    currency: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class FacetResult:
    """The entries of a facet; if `capped`, there were more books than were counted."""

    entries: tuple[FacetEntry, ...]
    capped: bool


_VALUE_SQL_BY_FACET: Mapping[Facet, tuple[str, str, str]] = {
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
"""Per facet: the SQL of its value, of its currency, and of the condition for a book to have a value."""

_COLUMNS_BY_FACET: Mapping[Facet, tuple[str, ...]] = {
    Facet.LANGUAGES: ("{l}.language",),
    Facet.PRICES: ("{l}.price", "{l}.currency"),
    Facet.DECADES: ("{l}.published_key",),
    Facet.RATINGS: ("{l}.rating_average",),
}


async def fetch_facets(
    database: Database,
    scope: Scope,
    parents: Sequence[int],
    requests: Sequence[FacetRequest],
    book_filter: Filter,
    text_query: TextQuery | None,
) -> list[dict[FacetRequest, FacetResult]]:
    """Return the facets of each parent's books, in the order of the parents."""
    statement, values = _facet_statement(scope, parents, requests, book_filter, text_query)
    book_limit = FACET_BOOK_LIMIT_BROAD_TEXT if _is_broad_text(text_query) else FACET_BOOK_LIMIT
    rows = await database.fetch(statement, parents, book_limit + 1, *values)
    results: list[dict[FacetRequest, FacetResult]] = [
        dict.fromkeys(requests, FacetResult((), capped=False)) for _ in parents
    ]
    entries: dict[tuple[int, int], list[FacetEntry]] = {}
    for ordinal, index, value, currency, name, number, capped in rows:
        facet_entries = entries.setdefault((ordinal, index), [])
        if value is not None:
            facet_entries.append(FacetEntry(value, number, currency, name))
        results[ordinal - 1][requests[index]] = FacetResult(tuple(facet_entries), capped)
    return results


def _facet_statement(
    scope: Scope,
    parents: Sequence[int],
    requests: Sequence[FacetRequest],
    book_filter: Filter,
    text_query: TextQuery | None,
) -> tuple[ReadStatement, list[object]]:
    """Return the statement, and its values from the third parameter on.

    Facets that leave out no conditions count the same candidate set, which is read once.
    """
    candidate_sets: list[str] = []
    counts_sql: list[str] = []
    values: list[object] = []
    for number, (left_out, indexes) in enumerate(_group_requests(requests, book_filter).items()):
        list_scope, condition = _counted_list(scope, parents, book_filter, text_query, left_out, values)
        facets = [requests[index].facet for index in indexes]
        tiered = _is_broad_text(text_query)
        most_popular = _most_popular_sql(list_scope, facets, condition, 3 + len(values), tiered=tiered)
        candidate_sets.append(_candidate_set_sql(f"m{number}", most_popular))
        values += condition.values
        use_counters = book_filter.to_list_condition(text_query, left_out).condition == ALWAYS
        counts_sql += [
            _request_sql(
                scope,
                requests[index],
                index,
                f"m{number}",
                most_popular(f"{CATEGORY_SCAN_FACTOR} * $2::integer"),
                values,
                use_counters=use_counters,
            )
            for index in indexes
        ]
    sql = _facets_sql(candidate_sets, counts_sql)
    return ReadStatement(f"{scope.name}_facets", sql, cached_plan=False), values


def _facets_sql(candidate_sets: Sequence[str], counts_sql: Sequence[str]) -> str:
    return f"""
SELECT parent.ordinal::integer, facet.request_index, facet.value::text, facet.currency, facet.name,
       facet.number, facet.capped
FROM unnest($1::bigint[]) WITH ORDINALITY AS parent (id, ordinal)
CROSS JOIN LATERAL (
    WITH {", ".join(candidate_sets)}
    {" UNION ALL ".join(counts_sql)}
) AS facet
ORDER BY parent.ordinal, facet.request_index, facet.number DESC, facet.value
"""


def _group_requests(requests: Sequence[FacetRequest], book_filter: Filter) -> dict[Facet | None, list[int]]:
    """Return the places of the requests by the facet whose conditions they leave out, or None."""
    filtered_facets = {facet for facet, _ in book_filter.facet_conditions}
    groups: dict[Facet | None, list[int]] = {}
    for index, request in enumerate(requests):
        groups.setdefault(request.facet if request.facet in filtered_facets else None, []).append(index)
    return groups


def _counted_list(
    scope: Scope,
    parents: Sequence[int],
    book_filter: Filter,
    text_query: TextQuery | None,
    left_out: Facet | None,
    values: list[object],
) -> tuple[Scope, Condition]:
    """Return the list whose books are counted, and their condition; add its key to the values if it has one.

    It is the list that the filter restricts all books to, unless the condition for that is left out.
    """
    restriction = book_filter.restriction
    if restriction is None or scope != ALL_BOOKS or left_out is restriction.facet:
        condition = book_filter.to_list_condition(text_query, left_out).condition
        return bind_single_parent(scope, parents), condition
    values.append(restriction.key)
    condition = book_filter.to_list_condition(text_query, left_out, restriction.facet).condition
    return bind_parent(restriction.scope, f"${2 + len(values)}::bigint"), condition


def _request_sql(
    scope: Scope,
    request: FacetRequest,
    index: int,
    candidate_set: str,
    further_books: str,
    values: list[object],
    *,
    use_counters: bool,
) -> str:
    """Return the SQL for the rows of a request; add the parent of its categories to the values."""
    if request.parent is not None:
        values.append(request.parent)
    category_condition = _drill_down_condition(scope, request, 2 + len(values))
    if request.facet is Facet.CATEGORIES and use_counters and _has_counters(scope, request):
        return _counter_sql(request, index, category_condition)
    return _facet_count_sql(request, index, candidate_set, further_books, category_condition)


def _is_broad_text(text_query: TextQuery | None) -> bool:
    """Return whether there is a text that matches too many books to enumerate."""
    return text_query is not None and text_query.book_ids is None


def _most_popular_sql(
    scope: Scope, facets: Sequence[Facet], condition: Condition, first_parameter: int, *, tiered: bool
) -> Callable[[str], str]:
    """Return a function of a limit that returns the SQL for the most rated books, which some facets count."""
    columns = dict.fromkeys(column for facet in facets for column in _COLUMNS_BY_FACET.get(facet, ()))
    selected = ", ".join(["{id} AS id", "{l}.rating_count AS ratings", *columns])

    def most_popular(limit: str) -> str:
        end = f"ORDER BY ratings DESC, id DESC LIMIT {limit}"
        if not tiered:
            return select_rows_sql(scope, condition, first_parameter, selected, end)
        conditions = (in_tier(condition, tier) for tier in TIERS)
        parts = [select_rows_sql(scope, each, first_parameter, selected, end) for each in conditions]
        return union_until_limit(parts, limit)

    return most_popular


def _candidate_set_sql(name: str, most_popular: Callable[[str], str]) -> str:
    """Return the SQL for the books that some facets count, and one more, which shows whether to cap."""
    return (
        f"{name} AS MATERIALIZED ({most_popular('$2::integer')}),"
        f" {name}_size AS (SELECT count(*) = $2::integer AS capped FROM {name})"
    )


def _has_counters(scope: Scope, request: FacetRequest) -> bool:
    """Return whether the counters of the categories are those of an unfiltered list."""
    return scope == ALL_BOOKS or (scope == BY_CATEGORY and request.parent is None)


def _counter_sql(request: FacetRequest, index: int, category_condition: str) -> str:
    return (
        f"(SELECT {index} AS request_index, c.id::text AS value, NULL::text AS currency, c.name,"
        " c.book_count AS number, false AS capped FROM category AS c"
        f" WHERE {category_condition} AND c.book_count > 0 ORDER BY number DESC, c.id LIMIT {request.size})"
    )


def _facet_count_sql(
    request: FacetRequest, index: int, candidate_set: str, further_books: str, category_condition: str
) -> str:
    """Return the SQL for the rows of a facet, or a single row with null values if it has none.

    OFFSET 0 forces a lookup per counted book, whose number the planner overestimates. The categories are
    filtered after that, because a catalog may have 18,000 root categories.
    """
    counted_books = f"(SELECT * FROM {candidate_set} LIMIT $2::integer - 1)"
    if request.facet in _VALUE_SQL_BY_FACET:
        value, currency, has_value = _VALUE_SQL_BY_FACET[request.facet]
        counted = (
            f"SELECT {value} AS value, {currency} AS currency, count(*) AS number"
            f" FROM {counted_books} AS m WHERE {has_value} GROUP BY 1, 2"
        )
    elif request.facet is Facet.AUTHORS:
        counted = (
            "SELECT f.author_id AS value, NULL::text AS currency, count(*) AS number"
            f" FROM {counted_books} AS m CROSS JOIN LATERAL ("
            "SELECT a.author_id FROM author_listing AS a WHERE a.book_id = m.id OFFSET 0"
            ") AS f GROUP BY 1"
        )
    else:
        counted = (
            f"WITH chosen AS MATERIALIZED (SELECT c.id FROM category AS c WHERE {category_condition}),"
            f" found AS MATERIALIZED ({_categories_of_books_sql(counted_books)}),"
            f" further AS MATERIALIZED (SELECT r.id FROM ({further_books}) AS r"
            " WHERE NOT EXISTS (SELECT FROM found) AND EXISTS (SELECT FROM category_listing AS k"
            " WHERE k.book_id = r.id AND k.category_id IN (SELECT id FROM chosen)) LIMIT $2::integer - 1)"
            " SELECT f.category_id AS value, NULL::text AS currency, count(*) AS number"
            f" FROM (SELECT category_id FROM found UNION ALL {_categories_of_books_sql('further')}) AS f"
            " GROUP BY 1"
        )
    return (
        f"(SELECT {index} AS request_index, c.value::text AS value, c.currency,"
        f" {_name_sql(request.facet)} AS name, c.number, s.capped FROM {candidate_set}_size AS s"
        f" LEFT JOIN ({counted} ORDER BY number DESC, value LIMIT {request.size}) AS c ON true)"
    )


def _categories_of_books_sql(books: str) -> str:
    """Return the SQL for the chosen categories of each of the books."""
    return (
        f"SELECT f.category_id FROM {books} AS m CROSS JOIN LATERAL ("
        "SELECT k.category_id FROM category_listing AS k WHERE k.book_id = m.id OFFSET 0"
        ") AS f WHERE f.category_id IN (SELECT id FROM chosen)"
    )


def _name_sql(facet: Facet) -> str:
    """Return the SQL of the name of a counted author or category."""
    table = {Facet.AUTHORS: "author", Facet.CATEGORIES: "category"}.get(facet)
    return f"(SELECT n.name FROM {table} AS n WHERE n.id = c.value)" if table else "NULL::text"


def _drill_down_condition(scope: Scope, request: FacetRequest, parameter: int) -> str:
    """Return the SQL condition for a category to be counted."""
    if request.parent is not None:
        return f"c.parent_id = ${parameter}::bigint"
    return "c.parent_id = parent.id" if scope in _CATEGORY_SCOPES else "c.parent_id IS NULL"
