"""Suggestions from indexes of words with their tier of popularity.

A search field is asked at every keystroke. The documents have all words of a book, so most hits of a prefix were
books with such a word in their description, and each hit's title was looked up. The new indexes have only the words of
titles and of names, each behind the digit of its row's tier: the popular titles with a word that starts with `har` are
one range of the index, `6har` and following.

Also, a word between `&` and `;` is no longer missing in the documents.
"""

import functools

from alembic import op

revision = "0011"
down_revision = "0010"

UNSPACED = (
    r"\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    r"\uf900-\ufaff\U00020000-\U0003ffff"
)


AUTHORS_TEXT = """(SELECT string_agg(a.name, ' ' ORDER BY ba.position)
         FROM book_author ba JOIN author a ON a.id = ba.author_id WHERE ba.book_id = b.id)"""
CATEGORIES_TEXT = """(SELECT string_agg(k.path, ' ' ORDER BY k.path)
         FROM book_category bc JOIN category k ON k.id = bc.category_id WHERE bc.book_id = b.id)"""
ENTITY = "'&#?[[:alnum:]]+;'"


def words_sql(signs: str) -> str:
    """Return the function whose parser sees spaces for the signs, which it would take for parts of words."""
    spaced = functools.reduce("replace({}, '{}', ' ')".format, signs, "clean_text(value)")
    return f"""
    CREATE OR REPLACE FUNCTION words(value text) RETURNS tsvector
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN to_tsvector('public.catalog'::regconfig, {spaced})
    """


def name_words_sql(schema: str) -> str:
    """Return the function of migration 0009, whose calls name the schema, or do not if it is empty."""
    return rf"""
    CREATE OR REPLACE FUNCTION name_words(value text) RETURNS tsvector LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
    DECLARE
        joined text;
    BEGIN
        IF value ~ '\w[''’&+#]|\w\.\s?\w\.|\d,\d|(?:^|[^\w.])\.[[:alpha:]]' THEN
            joined := ' ' || {schema}joined_words({schema}clean_text(value));
        END IF;
        IF octet_length(value) > length(value) AND value ~ E'[{UNSPACED}]' THEN
            RETURN {schema}words(value || coalesce(joined, '')) || {schema}grams({schema}clean_text(value));
        END IF;
        RETURN {schema}words(value || coalesce(joined, ''));
    END $$
    """


UP = (
    "SET LOCAL lock_timeout = '5s'",
    "SET LOCAL maintenance_work_mem = '256MB'",
    """
    CREATE FUNCTION tier_digit(rating_count bigint) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE
        WHEN rating_count < 16 THEN '0' WHEN rating_count < 64 THEN '1' WHEN rating_count < 256 THEN '2'
        WHEN rating_count < 1024 THEN '3' WHEN rating_count < 4096 THEN '4' WHEN rating_count < 16384 THEN '5'
        ELSE '6'
    END
    """,
    # The document has the tier of its book.
    """
    CREATE FUNCTION tier_digit(document tsvector) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE
        WHEN document @@ $$'#0'$$::tsquery THEN '0' WHEN document @@ $$'#1'$$::tsquery THEN '1'
        WHEN document @@ $$'#2'$$::tsquery THEN '2' WHEN document @@ $$'#3a'$$::tsquery THEN '3'
        WHEN document @@ $$'#3b'$$::tsquery THEN '4' WHEN document @@ $$'#3c'$$::tsquery THEN '5'
        ELSE '6'
    END
    """,
    """
    CREATE FUNCTION tiered_words(words tsvector, digit text) RETURNS tsvector
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN array_to_tsvector(
        string_to_array(digit || array_to_string(tsvector_to_array(words), ' ' || digit), ' ')
    )
    """,
    # The parser takes `&A;` for an entity without words.
    words_sql("-/.@_:+<~&"),
    "ALTER TABLE book_search DISABLE TRIGGER USER",
    f"""
    UPDATE book_search s
    SET document = book_document(b.title, {AUTHORS_TEXT}, b.subtitle, {CATEGORIES_TEXT}, b.description)
                   || popularity(b.rating_count)
    FROM book b
    WHERE b.id = s.book_id AND (
        concat_ws(' ', b.title, b.subtitle, b.description) ~ {ENTITY}
        OR b.id IN (SELECT book_id FROM book_author JOIN author a ON a.id = author_id WHERE a.name ~ {ENTITY})
        OR b.id IN (SELECT book_id FROM book_category JOIN category k ON k.id = category_id WHERE k.path ~ {ENTITY})
    )
    """,
    "ALTER TABLE book_search ENABLE TRIGGER USER",
    # Indexes are built with a search_path without this schema.
    name_words_sql("public."),
    """
    CREATE INDEX book_search_title_idx ON book_search
    USING gin (tiered_words(ts_filter(document, '{a}'), tier_digit(document))) WITH (fastupdate = off)
    """,
    """
    CREATE INDEX author_words_idx ON author
    USING gin (tiered_words(name_words(name), tier_digit(rating_count))) WITH (fastupdate = off)
    """,
)

DOWN = (
    "SET LOCAL lock_timeout = '5s'",
    "DROP INDEX author_words_idx, book_search_title_idx",
    "DROP FUNCTION tiered_words, tier_digit(tsvector), tier_digit(bigint)",
    name_words_sql(""),
    words_sql("-/.@_:+<~"),
)


def upgrade() -> None:
    for statement in UP:
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.get_bind().exec_driver_sql(statement)
