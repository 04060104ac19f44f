"""Search as people type: joined forms and grams in the documents, and a vocabulary for corrections.

- A title or name is also indexed as people type it: `obrien`, `jrr`, `1000`, `cplusplus`. Runs of scripts without
  spaces are indexed by their characters and pairs of characters.
- Each word knows its numbers of books, so that a correction prefers a common word, and the cost of a text is
  estimated without reading documents.
- Misspelt words are looked up by deletions (SymSpell): a word and its misspelling share a string that both become
  when at most two letters are deleted. The index of trigrams missed transposed letters and short words.
- Suggested authors are sorted by the ratings of their books.

The numbers are estimates: a writer does not wait for a row of a word or an author that another one has locked.
"""

import functools

from alembic import op

revision = "0009"
down_revision = "0008"

# Scripts written without spaces: Thai, Lao, Tibetan, Burmese, Khmer, and the characters of Chinese and Japanese.
UNSPACED = (
    r"\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    r"\uf900-\ufaff\U00020000-\U0003ffff"
)
# Soft hyphen, zero-width characters, combining accents, Hebrew points, Arabic vowel signs and the tatweel.
INVISIBLE = (
    r"\u00ad\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670"
    r"\u200b-\u200f\u2060\ufeff"
)


def spaced(value: str, signs: str) -> str:
    """Return the SQL of a text with spaces for the signs, which the parser would take for parts of words."""
    return functools.reduce("replace({}, '{}', ' ')".format, signs, value)


OLD_WORDS = f"""
    CREATE OR REPLACE FUNCTION words(value text) RETURNS tsvector
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN to_tsvector('public.catalog'::regconfig, {spaced("value", "-/.@_:")})
    """

AUTHORS_TEXT = """(SELECT string_agg(a.name, ' ' ORDER BY ba.position)
         FROM book_author ba JOIN author a ON a.id = ba.author_id WHERE ba.book_id = b.id)"""
CATEGORIES_TEXT = """(SELECT string_agg(k.path, ' ' ORDER BY k.path)
         FROM book_category bc JOIN category k ON k.id = bc.category_id WHERE bc.book_id = b.id)"""

REWRITE_DOCUMENTS = (
    "DROP INDEX book_search_document_idx",
    "SET LOCAL maintenance_work_mem = '256MB'",
    "ALTER TABLE book_search DISABLE TRIGGER USER",
    f"""
    UPDATE book_search s
    SET document = book_document(b.title, {AUTHORS_TEXT}, b.subtitle, {CATEGORIES_TEXT}, b.description)
                   || popularity(b.rating_count)
    FROM book b WHERE b.id = s.book_id
    """,
    "ALTER TABLE book_search ENABLE TRIGGER USER",
    "CREATE INDEX book_search_document_idx ON book_search USING gin (document) WITH (fastupdate = off)",
)

OLD_DOCUMENT = """
    CREATE OR REPLACE FUNCTION book_document(title text, authors text, subtitle text, categories text, description text)
    RETURNS tsvector
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN setweight(words(title), 'A')
        || setweight(words(coalesce(authors, '')), 'B')
        || setweight(words(coalesce(subtitle, '') || ' ' || coalesce(categories, '')), 'C')
        || setweight(words(coalesce(description, '')), 'D')
    """

OLD_WORDS_ADDED = """
    CREATE OR REPLACE FUNCTION search_words_added() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO search_word (word)
        SELECT DISTINCT w.lexeme FROM changed c CROSS JOIN unnest(ts_filter(c.document, '{a,b}')) w
        ORDER BY w.lexeme
        ON CONFLICT (word) DO NOTHING;
        RETURN NULL;
    END $$
    """

OLD_POPULARITY = """
    CREATE OR REPLACE FUNCTION popularity(rating_count integer) RETURNS tsvector
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE
        WHEN rating_count < 16 THEN $$'#0'$$::tsvector WHEN rating_count < 64 THEN $$'#1'$$::tsvector
        WHEN rating_count < 256 THEN $$'#2'$$::tsvector ELSE $$'#3'$$::tsvector
    END
    """

OLD_COUNT_BOOKS = """
    CREATE OR REPLACE FUNCTION author_count_books() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        UPDATE author a SET book_count = a.book_count + CASE TG_OP WHEN 'INSERT' THEN c.books ELSE -c.books END
        FROM (SELECT author_id, count(*) AS books FROM changed GROUP BY author_id) c
        WHERE a.id = c.author_id;
        RETURN NULL;
    END $$
    """

WORD_CHANGES = {
    "added": ("INSERT", "NEW TABLE AS after", "SELECT document, 1 AS sign FROM after"),
    "removed": ("DELETE", "OLD TABLE AS before", "SELECT document, -1 AS sign FROM before"),
    "changed": (
        "UPDATE",
        "OLD TABLE AS before NEW TABLE AS after",
        "SELECT document, 1 AS sign FROM after UNION ALL SELECT document, -1 FROM before",
    ),
}


def count_words_sql(name: str) -> tuple[str, ...]:
    """Return the function and the trigger that count the words of changed documents.

    A row that another transaction has locked is skipped: the counts are estimates, and no writer waits for them.
    """
    event, tables, changes = WORD_CHANGES[name]
    return (
        f"""
        CREATE FUNCTION search_words_{name}() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            WITH delta AS MATERIALIZED (
                SELECT w.lexeme AS word, sum(d.sign) AS documents,
                       coalesce(sum(d.sign) FILTER (WHERE w.weights && ARRAY['A', 'B']), 0) AS books,
                       coalesce(sum(d.sign) FILTER (
                           WHERE w.weights && ARRAY['A', 'B'] AND d.document @@ $q$'#3'$q$::tsquery
                       ), 0) AS popular_books
                FROM ({changes}) d CROSS JOIN unnest(d.document) w
                WHERE w.positions IS NOT NULL GROUP BY w.lexeme
            ),
            counted AS (
                UPDATE search_word s
                SET books = s.books + d.books, popular_books = s.popular_books + d.popular_books,
                    documents = s.documents + d.documents
                FROM (
                    SELECT k.word, d.books, d.popular_books, d.documents
                    FROM delta d JOIN search_word k ON k.word = d.word
                    WHERE (d.books, d.popular_books, d.documents) <> (0, 0, 0)
                    ORDER BY k.word FOR UPDATE OF k SKIP LOCKED
                ) d
                WHERE s.word = d.word
            )
            INSERT INTO search_word (word, books, popular_books, documents)
            SELECT d.word, d.books, d.popular_books, d.documents FROM delta d
            WHERE d.books > 0 AND NOT EXISTS (SELECT FROM search_word k WHERE k.word = d.word)
            ORDER BY d.word
            ON CONFLICT (word) DO NOTHING;
            RETURN NULL;
        END $$
        """,
        f"""
        CREATE TRIGGER book_search_words_{name} AFTER {event} ON book_search REFERENCING {tables}
        FOR EACH STATEMENT EXECUTE FUNCTION search_words_{name}()
        """,
    )


COUNT_WORDS = """
    INSERT INTO search_word (word, books, popular_books, documents)
    SELECT word, books, popular_books, documents FROM counted_words('book_search', (SELECT count(*) FROM book)) ORDER BY word
    ON CONFLICT (word) DO UPDATE
    SET books = excluded.books, popular_books = excluded.popular_books, documents = excluded.documents
"""

UP = (
    "SET LOCAL lock_timeout = '5s'",
    "CREATE EXTENSION IF NOT EXISTS fuzzystrmatch WITH SCHEMA public",
    # The highest tier is divided, because it has most of the books that readers know. `#3` stays for the others.
    """
    CREATE OR REPLACE FUNCTION popularity(rating_count integer) RETURNS tsvector
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE
        WHEN rating_count < 16 THEN $$'#0'$$::tsvector WHEN rating_count < 64 THEN $$'#1'$$::tsvector
        WHEN rating_count < 256 THEN $$'#2'$$::tsvector WHEN rating_count < 1024 THEN $$'#3' '#3a'$$::tsvector
        WHEN rating_count < 4096 THEN $$'#3' '#3b'$$::tsvector
        WHEN rating_count < 16384 THEN $$'#3' '#3c'$$::tsvector ELSE $$'#3' '#3d'$$::tsvector
    END
    """,
    # ASCII needs no cleaning, and most texts are ASCII.
    rf"""
    CREATE FUNCTION clean_text(value text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN octet_length(value) = length(value) THEN value ELSE
        regexp_replace(
            regexp_replace(replace(normalize(value, NFKC), 'ς', 'σ'), E'[{INVISIBLE}]', '', 'g'), E'([{UNSPACED}]+)', ' \1 ', 'g'
        )
    END
    """,
    f"""
    CREATE OR REPLACE FUNCTION words(value text) RETURNS tsvector
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN to_tsvector('public.catalog'::regconfig, {spaced("clean_text(value)", "-/.@_:+<~")})
    """,
    r"""
    CREATE FUNCTION joined_words(value text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (
        SELECT string_agg(
            regexp_replace(
                replace(replace(regexp_replace(m[1], '^\.', 'dot'), '++', 'plusplus'), '#', 'sharp'),
                '[^[:alnum:]]', '', 'g'
            ), ' '
        )
        FROM regexp_matches(
            value,
            '((?:\m[[:alpha:]]\.\s?){2,}|\w+(?:[''’&]\w+)+|\d{1,3}(?:,\d{3})+(?!\d)|\w+(?:\+\+|#)(?!\w)|(?<![\w.])\.[[:alpha:]]+(?!\w))',
            'g'
        ) AS m
    )
    """,
    # Every character and every pair of neighbours, all at one position: they are looked up, not highlighted.
    f"""
    CREATE FUNCTION grams(value text) RETURNS tsvector
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (
        SELECT coalesce(string_agg(DISTINCT '''' || substr(r[1], n, k) || ''':1', ' '), '')::tsvector
        FROM regexp_matches(value, E'([{UNSPACED}]+)', 'g') AS r
        CROSS JOIN generate_series(1, length(r[1])) AS n
        CROSS JOIN generate_series(1, 2) AS k
    )
    """,
    # The conditions are those of most names. In SQL the calls would cost more than the words.
    rf"""
    CREATE FUNCTION name_words(value text) RETURNS tsvector LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
    DECLARE
        joined text;
    BEGIN
        IF value ~ '\w[''’&+#]|\w\.\s?\w\.|\d,\d|(?:^|[^\w.])\.[[:alpha:]]' THEN
            joined := ' ' || joined_words(clean_text(value));
        END IF;
        IF octet_length(value) > length(value) AND value ~ E'[{UNSPACED}]' THEN
            RETURN words(value || coalesce(joined, '')) || grams(clean_text(value));
        END IF;
        RETURN words(value || coalesce(joined, ''));
    END $$
    """,
    """
    CREATE OR REPLACE FUNCTION book_document(title text, authors text, subtitle text, categories text, description text)
    RETURNS tsvector
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN setweight(name_words(title), 'A')
        || setweight(name_words(coalesce(authors, '')), 'B')
        || setweight(name_words(coalesce(subtitle, '') || ' ' || coalesce(categories, '')), 'C')
        || setweight(words(coalesce(description, '')), 'D')
    """,
    # Up to five letters one deletion, above that two, of the first seven letters. hashtext() keeps the index small.
    """
    CREATE FUNCTION deletion_keys(word text) RETURNS integer[] LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
    DECLARE
        start text := left(word, 7);
        shorter text;
        keys integer[] := ARRAY[hashtext(start)];
    BEGIN
        FOR i IN 1 .. length(start) LOOP
            shorter := left(start, i - 1) || substr(start, i + 1);
            keys := keys || hashtext(shorter);
            IF length(word) > 5 THEN
                FOR j IN i .. length(shorter) LOOP
                    keys := keys || hashtext(left(shorter, j - 1) || substr(shorter, j + 1));
                END LOOP;
            END IF;
        END LOOP;
        RETURN keys;
    END $$
    """,
    """
    ALTER TABLE search_word
        ADD COLUMN books integer NOT NULL DEFAULT 0,
        ADD COLUMN popular_books integer NOT NULL DEFAULT 0,
        ADD COLUMN documents integer NOT NULL DEFAULT 0,
        SET (fillfactor = 85)
    """,
    # Frequent words of descriptions count too: their texts are as broad as those of titles. They are counted in some
    # of the books, because only their magnitude matters.
    """
    CREATE FUNCTION counted_words(search_table regclass, catalog_books bigint)
    RETURNS TABLE (word text, books integer, popular_books integer, documents integer)
    LANGUAGE sql STABLE AS $$
        SELECT coalesce(b.word, s.word), coalesce(b.ndoc, 0), coalesce(p.ndoc, 0),
               greatest(b.ndoc, s.documents)::integer
        FROM ts_stat(format('SELECT document FROM %s', search_table), 'ab') AS b
        FULL JOIN (
            SELECT w.word, w.ndoc * size.step AS documents
            FROM (SELECT greatest(1, catalog_books / 20000) AS step) AS size
            CROSS JOIN LATERAL ts_stat(
                format('SELECT document FROM %s WHERE book_id %% %s = 0', search_table, size.step)
            ) AS w
            WHERE w.ndoc >= 20 AND w.word NOT LIKE '#%'
        ) AS s ON s.word = b.word
        LEFT JOIN ts_stat(
            format('SELECT document FROM %s WHERE document @@ $q$''#3''$q$', search_table), 'ab'
        ) AS p ON p.word = b.word
    $$
    """,
    *REWRITE_DOCUMENTS,
    COUNT_WORDS,
    "DROP INDEX search_word_trigram_idx",
    "CREATE INDEX search_word_deletions_idx ON search_word USING gin (deletion_keys(word)) WITH (fastupdate = off)",
    "DROP TRIGGER book_search_words_added ON book_search",
    "DROP TRIGGER book_search_words_changed ON book_search",
    "DROP FUNCTION search_words_added",
    *(statement for name in WORD_CHANGES for statement in count_words_sql(name)),
    "ALTER TABLE author ADD COLUMN rating_count bigint NOT NULL DEFAULT 0",
    """
    UPDATE author a SET rating_count = c.ratings
    FROM (SELECT author_id, sum(rating_count) AS ratings FROM author_listing GROUP BY author_id) c
    WHERE c.author_id = a.id AND c.ratings > 0
    """,
    "CREATE INDEX author_rating_count_idx ON author (rating_count, book_count, id)",
    """
    CREATE OR REPLACE FUNCTION author_count_books() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        sign integer := CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END;
    BEGIN
        UPDATE author a
        SET book_count = a.book_count + sign * c.books, rating_count = a.rating_count + sign * c.ratings
        FROM (
            SELECT author_id, count(*) AS books, sum(rating_count) AS ratings FROM changed GROUP BY author_id
        ) c
        WHERE a.id = c.author_id;
        RETURN NULL;
    END $$
    """,
    # Skips locked authors: the sum only sorts suggestions, and an import counts it again.
    """
    CREATE FUNCTION author_count_ratings() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        UPDATE author a SET rating_count = a.rating_count + c.ratings
        FROM (
            SELECT k.id, d.ratings
            FROM (
                SELECT n.author_id, sum(n.rating_count - o.rating_count) AS ratings
                FROM before o JOIN after n USING (author_id, book_id) GROUP BY n.author_id
            ) d
            JOIN author k ON k.id = d.author_id
            WHERE d.ratings <> 0 ORDER BY k.id FOR UPDATE OF k SKIP LOCKED
        ) c
        WHERE a.id = c.id;
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER author_count_changed AFTER UPDATE ON author_listing
    REFERENCING OLD TABLE AS before NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION author_count_ratings()
    """,
)

DOWN = (
    "SET LOCAL lock_timeout = '5s'",
    "DROP TRIGGER author_count_changed ON author_listing",
    "DROP FUNCTION author_count_ratings",
    OLD_COUNT_BOOKS,
    "DROP INDEX author_rating_count_idx",
    "ALTER TABLE author DROP COLUMN rating_count",
    *(f"DROP TRIGGER book_search_words_{name} ON book_search" for name in WORD_CHANGES),
    *(f"DROP FUNCTION search_words_{name}" for name in WORD_CHANGES),
    "DROP INDEX search_word_deletions_idx",
    "DROP FUNCTION deletion_keys, counted_words",
    "DELETE FROM search_word WHERE books = 0",
    "ALTER TABLE search_word DROP COLUMN books, DROP COLUMN popular_books, DROP COLUMN documents",
    "CREATE INDEX search_word_trigram_idx ON search_word USING gin (word gin_trgm_ops)",
    OLD_DOCUMENT,
    OLD_WORDS,
    OLD_POPULARITY,
    "DROP FUNCTION name_words, grams, joined_words, clean_text",
    *REWRITE_DOCUMENTS,
    OLD_WORDS_ADDED,
    *(
        f"""
        CREATE TRIGGER book_search_words_{name} AFTER {event} ON book_search REFERENCING NEW TABLE AS changed
        FOR EACH STATEMENT EXECUTE FUNCTION search_words_added()
        """
        for name, event in (("added", "INSERT"), ("changed", "UPDATE"))
    ),
)


def upgrade() -> None:
    for statement in UP:
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.get_bind().exec_driver_sql(statement)
