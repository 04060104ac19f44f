"""Fields that are invalid or disagree with each other."""

from db.constraints import (
    CONTRIBUTOR_ROLES,
    MAX_CATEGORY_DEPTH,
    MAX_CATEGORY_PATH_BYTES,
    MAX_NAME_KEY_LENGTH,
    MAX_NAME_LENGTH,
    MAX_PRICE_DECIMALS,
    MAX_SORT_KEY_LENGTH,
    MAX_TITLE_LENGTH,
    MAX_YEAR,
    PRICE_LIMIT,
    sql_list,
)

INVALID_ISBNS = """
/* invalid_isbns */
SELECT format('book %s: %s', id, isbn) AS example, count(*) OVER () AS wrong
FROM book
WHERE NOT is_isbn13(isbn)
ORDER BY id LIMIT 5
"""

_FAULTS_SQL = """
/* {name} */
SELECT format('{table} %s: %s', id, faults) AS example, count(*) OVER () AS wrong
FROM {table} CROSS JOIN LATERAL concat_ws(', ', {faults}) AS faults
WHERE faults <> ''
ORDER BY id LIMIT 5
"""


def _faults_sql(name: str, table: str, /, **faults: str) -> str:
    """Return the statement that finds rows with a fault and names it; `faults` maps names to conditions."""
    fault_names = ", ".join(
        f"CASE WHEN {condition} THEN '{fault}' END" for fault, condition in faults.items()
    )
    return _FAULTS_SQL.format(name=name, table=table, faults=fault_names)


BOOK_PRICES = _faults_sql(
    "book_prices",
    "book",
    price=f"price < 0 OR price >= {PRICE_LIMIT} OR scale(price) > {MAX_PRICE_DECIMALS}",
    currency="(price IS NULL) <> (currency IS NULL) OR currency !~ '^[A-Z]{3}$'",
)
BOOK_FIELDS = _faults_sql(
    "book_fields",
    "book",
    title=f"title !~ '\\S' OR length(title) > {MAX_TITLE_LENGTH}",
    source="source !~ '\\S' OR source_id !~ '\\S'",
    language="language !~ '^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$'",
    published_year=f"published_year NOT BETWEEN -{MAX_YEAR} AND {MAX_YEAR}",
    published_on="published_on IS NOT NULL AND (published_on < DATE '0001-01-01'"
    " OR extract(year FROM published_on) IS DISTINCT FROM published_year)",
    page_count="page_count <= 0",
    stock="stock < 0",
    rating_average="rating_average NOT BETWEEN 0 AND 5",
    rating_count="rating_count < 0 OR (rating_average IS NULL) <> (rating_count = 0)",
)
AUTHOR_FIELDS = _faults_sql(
    "author_fields",
    "author",
    name=f"name !~ '\\S' OR length(name) > {MAX_NAME_LENGTH}",
    sort_name=f"sort_name !~ '\\S' OR length(sort_name) > {MAX_NAME_LENGTH}",
    source="source !~ '\\S'",
    source_id="source_id !~ '\\S'"
    f" OR source = 'name' AND source_id <> left(slug(name), {MAX_NAME_KEY_LENGTH})",
    death_year="birth_year > death_year",
)
CATEGORY_FIELDS = _faults_sql(
    "category_fields",
    "category",
    name=f"name !~ '\\S' OR length(name) > {MAX_NAME_LENGTH}",
    path=f"octet_length(path) > {MAX_CATEGORY_PATH_BYTES}",
    lineage=f"cardinality(lineage) > {MAX_CATEGORY_DEPTH}",
)

BOOK_KEYS = _faults_sql(
    "book_keys",
    "book",
    title_key="title_key IS DISTINCT FROM title_sort_key(title, language)",
    published_key="published_key IS DISTINCT FROM published_year * 10000 + coalesce("
    "extract(month FROM published_on)::integer * 100 + extract(day FROM published_on)::integer, 0)",
)
AUTHOR_KEYS = _faults_sql(
    "author_keys",
    "author",
    sort_key=f"sort_key IS DISTINCT FROM left(fold(sort_name), {MAX_SORT_KEY_LENGTH})",
    slug="slug IS DISTINCT FROM CASE source WHEN 'name' THEN source_id"
    f" ELSE left(slug(name), {MAX_NAME_KEY_LENGTH}) || '-' || slug(source) || '-' || slug(source_id) END",
)
CATEGORY_KEYS = _faults_sql(
    "category_keys",
    "category",
    sort_key=f"sort_key IS DISTINCT FROM left(fold(name), {MAX_SORT_KEY_LENGTH})",
)

AUTHOR_POSITIONS = """
/* author_positions */
SELECT format('book %s: %s', book_id, array_to_string((array_agg(position ORDER BY position))[:9], ', '))
           AS example, count(*) OVER () AS wrong
FROM book_author
GROUP BY book_id
HAVING min(position) <> 1 OR max(position) <> count(*) OR count(DISTINCT position) <> count(*)
ORDER BY book_id LIMIT 5
"""

AUTHOR_ROLES = f"""
/* author_roles */
SELECT format('book %s, author %s: %s', book_id, author_id, role) AS example, count(*) OVER () AS wrong
FROM book_author
WHERE role NOT IN ({sql_list(CONTRIBUTOR_ROLES)})
ORDER BY book_id, position, author_id LIMIT 5
"""
