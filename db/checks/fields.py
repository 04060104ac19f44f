"""Fields that are invalid or disagree with each other."""

from db.book_columns import BOOK_COLUMNS
from db.constraints import (
    CONTRIBUTOR_ROLES,
    MAX_CATEGORY_DEPTH,
    MAX_CATEGORY_PATH_BYTES,
    MAX_NAME_KEY_LENGTH,
    MAX_NAME_LENGTH,
    MAX_SORT_KEY_LENGTH,
    sql_list,
)
from db.statements import ReadStatement

_FAULTS_SQL = """
SELECT format('{table} %s: %s', id, faults) AS example, count(*) OVER () AS wrong
FROM {table} CROSS JOIN LATERAL concat_ws(', ', {faults}) AS faults
WHERE faults <> ''
ORDER BY id LIMIT 5
"""


def _find_faults(name: str, table: str, /, **faults: str) -> ReadStatement:
    """Return the statement that finds rows with a fault and names it; `faults` maps names to conditions."""
    fault_names = ", ".join(
        f"CASE WHEN {condition} THEN '{fault}' END" for fault, condition in faults.items()
    )
    return ReadStatement(name, _FAULTS_SQL.format(table=table, faults=fault_names))


_OWN_CHECKS = ("isbn", "price", "currency")
_COLUMN_FAULTS = {column.name: column.fault for column in BOOK_COLUMNS if column.fault}

BOOK_PRICES = _find_faults(
    "book_prices", "book", price=_COLUMN_FAULTS["price"], currency=_COLUMN_FAULTS["currency"]
)
BOOK_FIELDS = _find_faults(
    "book_fields",
    "book",
    source="source !~ '\\S' OR source_id !~ '\\S'",
    **{name: fault for name, fault in _COLUMN_FAULTS.items() if name not in _OWN_CHECKS},
)
INVALID_ISBNS = ReadStatement(
    "invalid_isbns",
    f"""
SELECT format('book %s: %s', id, isbn) AS example, count(*) OVER () AS wrong
FROM book
WHERE {_COLUMN_FAULTS["isbn"]}
ORDER BY id LIMIT 5
""",
)
AUTHOR_FIELDS = _find_faults(
    "author_fields",
    "author",
    name=f"name !~ '\\S' OR length(name) > {MAX_NAME_LENGTH}",
    sort_name=f"sort_name !~ '\\S' OR length(sort_name) > {MAX_NAME_LENGTH}",
    source="source !~ '\\S'",
    source_id="source_id !~ '\\S'"
    f" OR source = 'name' AND source_id <> left(slug(name), {MAX_NAME_KEY_LENGTH})",
    death_year="birth_year > death_year",
)
CATEGORY_FIELDS = _find_faults(
    "category_fields",
    "category",
    name=f"name !~ '\\S' OR length(name) > {MAX_NAME_LENGTH}",
    path=f"octet_length(path) > {MAX_CATEGORY_PATH_BYTES}",
    lineage=f"cardinality(lineage) > {MAX_CATEGORY_DEPTH}",
)

BOOK_KEYS = _find_faults(
    "book_keys",
    "book",
    title_key="title_key IS DISTINCT FROM title_sort_key(title, language)",
    series_key="series_key IS DISTINCT FROM series_position_key(series_position)",
    published_key="published_key IS DISTINCT FROM published_year * 10000 + coalesce("
    "extract(month FROM published_on)::integer * 100 + extract(day FROM published_on)::integer, 0)",
)
AUTHOR_KEYS = _find_faults(
    "author_keys",
    "author",
    sort_key=f"sort_key IS DISTINCT FROM left(fold(sort_name), {MAX_SORT_KEY_LENGTH})",
    slug="slug IS DISTINCT FROM CASE source WHEN 'name' THEN source_id"
    f" ELSE left(slug(name), {MAX_NAME_KEY_LENGTH}) || '-' || slug(source) || '-' || slug(source_id) END",
)
SERIES_KEYS = _find_faults("series_keys", "series", slug="slug IS DISTINCT FROM series_slug(name)")
CATEGORY_KEYS = _find_faults(
    "category_keys",
    "category",
    sort_key=f"sort_key IS DISTINCT FROM left(fold(name), {MAX_SORT_KEY_LENGTH})",
)

AUTHOR_POSITIONS = ReadStatement(
    "author_positions",
    """
SELECT format('book %s: %s', book_id, array_to_string((array_agg(position ORDER BY position))[:9], ', '))
           AS example, count(*) OVER () AS wrong
FROM book_author
GROUP BY book_id
HAVING min(position) <> 1 OR max(position) <> count(*) OR count(DISTINCT position) <> count(*)
ORDER BY book_id LIMIT 5
""",
)

AUTHOR_ROLES = ReadStatement(
    "author_roles",
    f"""
SELECT format('book %s, author %s: %s', book_id, author_id, role) AS example, count(*) OVER () AS wrong
FROM book_author
WHERE role NOT IN ({sql_list(CONTRIBUTOR_ROLES)})
ORDER BY book_id, position, author_id LIMIT 5
""",
)
