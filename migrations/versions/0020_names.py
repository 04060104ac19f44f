"""The words of authors beside those of titles in the index by popularity tier.

The most popular hits of a text with very many were read from the index of whole documents. This index has one list per
word for all books, so each tier read the whole list again, with the words of descriptions. The index of suggestions
has one list per word and tier. It now has the words of authors too, behind an `@`, so that one short list per word and
tier is read: that of the books whose title or authors have it.

The expression of the index stays the same, because the previous release reads its suggestions from it. Therefore
`tier_digit(tsvector)` gives the marked words of the authors behind the digit. `tiered_names(tsvector)` is the name of
the whole expression.
"""

from alembic import op

revision = "0020"
down_revision = "0019"

DIGIT = """
    CASE
        WHEN document @@ $$'#0'$$::tsquery THEN '0' WHEN document @@ $$'#1'$$::tsquery THEN '1'
        WHEN document @@ $$'#2'$$::tsquery THEN '2' WHEN document @@ $$'#3a'$$::tsquery THEN '3'
        WHEN document @@ $$'#3b'$$::tsquery THEN '4' WHEN document @@ $$'#3c'$$::tsquery THEN '5'
        ELSE '6'
    END
"""

REBUILD_INDEX = (
    "SET LOCAL maintenance_work_mem = '256MB'",
    "REINDEX INDEX book_search_title_idx",
)

UP = (
    "SET LOCAL lock_timeout = '5s'",
    # No word of a document has a tilde.
    f"""
    CREATE OR REPLACE FUNCTION tier_digit(document tsvector) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN replace(
        '~ ~@' || array_to_string(tsvector_to_array(ts_filter(document, '{{b}}')), ' ~@'), '~', {DIGIT}
    )
    """,
    """
    CREATE OR REPLACE FUNCTION tiered_words(words tsvector, digit text) RETURNS tsvector
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN array_to_tsvector(
        string_to_array(
            replace('~' || array_to_string(tsvector_to_array(words), ' ~'), '~', left(digit, 1))
            || substr(digit, 2), ' '
        )
    )
    """,
    """
    CREATE FUNCTION tiered_names(document tsvector) RETURNS tsvector
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN tiered_words(ts_filter(document, '{a}'), tier_digit(document))
    """,
    *REBUILD_INDEX,
)

DOWN = (
    "SET LOCAL lock_timeout = '5s'",
    "DROP FUNCTION tiered_names",
    f"""
    CREATE OR REPLACE FUNCTION tier_digit(document tsvector) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN {DIGIT}
    """,
    """
    CREATE OR REPLACE FUNCTION tiered_words(words tsvector, digit text) RETURNS tsvector
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN array_to_tsvector(
        string_to_array(digit || array_to_string(tsvector_to_array(words), ' ' || digit), ' ')
    )
    """,
    *REBUILD_INDEX,
)


def upgrade() -> None:
    for statement in UP:
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.get_bind().exec_driver_sql(statement)
