"""Fold the Greek final sigma, so that ΟΜΗΡΟΣ and Όμηρος have the same sort key.

lower() turns Σ into σ wherever it is, but a text in lower case has ς at the end of a word. Slugs keep both
letters: authors that are known by name only are identified by their slugs, and a slug is part of a URL.
"""

from alembic import op

revision = "0006"
down_revision = "0005"

FOLD = "lower(public.unaccent('public.unaccent'::regdictionary, value))"


def fold_sql(folded: str) -> str:
    return f"""
    CREATE OR REPLACE FUNCTION fold(value text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN {folded}
    """


def slug_sql(folded: str) -> str:
    return f"""
    CREATE OR REPLACE FUNCTION slug(value text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN value ~ '^[a-z0-9]+$' THEN value ELSE coalesce(
        nullif(
            btrim(
                regexp_replace(
                    replace(replace(replace({folded}, '&', ' and '), '+', ' plus '), '#', ' sharp '),
                    '[^[:alnum:]]+', '-', 'g'
                ), '-'
            ), ''
        ),
        'x' || left(md5(value), 12)
    ) END
    """


# An update of the named column computes the sort key again.
REFRESH_SORT_KEYS = (
    "UPDATE author SET sort_name = sort_name WHERE sort_name ~ '[Σς]'",
    "UPDATE category SET name = name WHERE name ~ '[Σς]'",
    "UPDATE book SET title = title WHERE title ~ '[Σς]'",
)

UP = (
    "SET LOCAL lock_timeout = '5s'",
    slug_sql(FOLD),
    fold_sql(f"replace({FOLD}, 'ς', 'σ')"),
    *REFRESH_SORT_KEYS,
)

DOWN = (
    "SET LOCAL lock_timeout = '5s'",
    fold_sql(FOLD),
    slug_sql("fold(value)"),
    *REFRESH_SORT_KEYS,
)


def upgrade() -> None:
    for statement in UP:
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.get_bind().exec_driver_sql(statement)
