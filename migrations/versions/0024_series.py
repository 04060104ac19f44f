"""The series of a book, and its position there.

A book has the series as its source writes it. A trigger finds the row of `series` by the folded name, or adds it, and
keeps the reference and the sort key of the position. Links of their own, as authors have, would need a table, staging,
resolving, a journal and an export of their own, for a relation with one row. These columns are imported, compared, owned,
undone and exported like the others.

A series is named as most of its books write it. It goes with its last book: it has nothing that its books do not say.
"""

from alembic import op

revision = "0024"
down_revision = "0023"

FIELDS = {
    "isbn": "isbn",
    "title": "title",
    "subtitle": "subtitle",
    "description": "description",
    "language": "language",
    "publisher": "publisher",
    "format": "format",
    "published": "published_year published_on",
    "pages": "page_count",
    "price": "price currency",
    "stock": "stock",
    "cover_url": "cover_url",
    "rating_average": "rating_average rating_count",
    "is_published": "is_published",
}
"""The columns of each field of a book, of which an edit is recorded."""

EDITED_FIELDS = {"series": "series series_position"}


def edited_sql(fields: dict[str, str]) -> str:
    """Return the function that records edits of books by hand."""

    def row(alias: str, columns: str) -> str:
        return f"({', '.join(f'{alias}.{column}' for column in columns.split())})"

    changed = ", ".join(
        f"('{field}', {row('o', columns)} IS DISTINCT FROM {row('n', columns)})"
        for field, columns in fields.items()
    )
    return f"""
    CREATE OR REPLACE FUNCTION book_edited() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF is_import() THEN
            RETURN NULL;
        END IF;
        IF TG_OP = 'INSERT' THEN
            INSERT INTO book_field (book_id, field, edited_at)
            SELECT id, 'is_published', now() FROM after WHERE NOT is_published ORDER BY id;
            RETURN NULL;
        END IF;
        INSERT INTO book_field (book_id, field, edited_at)
        SELECT n.id, f.field, now()
        FROM before o JOIN after n USING (id)
        CROSS JOIN LATERAL (VALUES {changed}) AS f (field, differs)
        WHERE f.differs ORDER BY n.id, f.field
        ON CONFLICT (book_id, field) DO UPDATE SET edited_at = excluded.edited_at;
        RETURN NULL;
    END $$
    """


def version_sql(fields: dict[str, str]) -> tuple[str, ...]:
    """Return the statements that replace the trigger which moves the version of a book."""
    columns = ("source", "source_id", *(column for each in fields.values() for column in each.split()))
    differs = " OR ".join(f"OLD.{column} IS DISTINCT FROM NEW.{column}" for column in columns)
    return (
        "DROP TRIGGER book_version ON book",
        f"""
        CREATE TRIGGER book_version BEFORE UPDATE ON book FOR EACH ROW
        WHEN ({differs}) EXECUTE FUNCTION move_version()
        """,
    )


def search_sql(subtitle: str, columns: str) -> tuple[str, ...]:
    """Return the functions that maintain the search documents.

    `subtitle` is the SQL of the words beside the categories, of a book `b`. A change of one of `columns` makes the
    document again.
    """
    before, after = (", ".join(f"{row}.{column}" for column in columns.split()) for row in "on")
    return (
        f"""
        CREATE OR REPLACE FUNCTION search_refresh(ids bigint[]) RETURNS void LANGUAGE sql AS $$
            INSERT INTO book_search AS s (book_id, document)
            SELECT b.id, book_document(
                b.title,
                (SELECT string_agg(a.name, ' ' ORDER BY ba.position)
                 FROM book_author ba JOIN author a ON a.id = ba.author_id WHERE ba.book_id = b.id),
                {subtitle},
                (SELECT string_agg(k.path, ' ' ORDER BY k.path)
                 FROM book_category bc JOIN category k ON k.id = bc.category_id WHERE bc.book_id = b.id),
                b.description
            ) || popularity(b.rating_count)
            FROM book b
            WHERE b.id = ANY (ids) AND b.is_published AND NOT search_deferred() ORDER BY b.id
            ON CONFLICT (book_id) DO UPDATE SET document = excluded.document
            WHERE s.document <> excluded.document
        $$
        """,
        f"""
        CREATE OR REPLACE FUNCTION book_research() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            ids bigint[];
        BEGIN
            IF listings_deferred() THEN
                RETURN NULL;
            END IF;
            IF TG_OP = 'INSERT' THEN
                ids := ARRAY(SELECT id FROM after);
            ELSE
                ids := ARRAY(
                    SELECT id FROM before o JOIN after n USING (id)
                    WHERE ({before}, popularity(o.rating_count))
                          IS DISTINCT FROM ({after}, popularity(n.rating_count))
                );
            END IF;
            IF ids <> '{{}}' THEN
                PERFORM search_refresh(ids);
            END IF;
            RETURN NULL;
        END $$
        """,
    )


# Numbers are padded, so that texts sort as numbers do: 1, 1-3, 1.5, 2, 10. Of "Vol. III" the Roman numeral counts.
POSITION_KEY = r"""
    CREATE FUNCTION series_position_key(value text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
    DECLARE
        folded text := fold(value);
        numeral text;
    BEGIN
        IF folded !~ '[0-9]' THEN
            numeral := substring(folded FROM '\m((?:xl|l?x{0,3})(?:ix|iv|v?i{0,3}))\M');
            folded := coalesce((
                SELECT sum(CASE WHEN n.value < n.next THEN -n.value ELSE n.value END)::text
                FROM (
                    SELECT d.value, lead(d.value) OVER (ORDER BY d.place) AS next
                    FROM string_to_table(numeral, NULL) WITH ORDINALITY AS c (letter, place)
                    CROSS JOIN LATERAL (
                        SELECT c.place, (ARRAY[1, 5, 10, 50])[strpos('ivxl', c.letter)] AS value
                    ) d
                ) n
            ), folded);
        ELSE
            folded := regexp_replace(folded, '^[^0-9]+', '');
        END IF;
        folded := regexp_replace(folded, '(?<![0-9.])([0-9]+)', '0000000\1', 'g');
        folded := regexp_replace(folded, '(?<![0-9.])0{0,7}([0-9]{8,})', '\1', 'g');
        RETURN left(btrim(regexp_replace(folded, '[^[:alnum:].]+', ' ', 'g')), 80);
    END $$
"""

# A concurrent writer may add the same series, or delete it with its last book.
FIND_SERIES = """
    CREATE FUNCTION book_series() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        NEW.series_id := NULL;
        NEW.series_key := series_position_key(NEW.series_position);
        WHILE NEW.series IS NOT NULL AND NEW.series_id IS NULL LOOP
            SELECT id INTO NEW.series_id FROM series WHERE slug = series_slug(NEW.series) FOR KEY SHARE;
            IF NOT FOUND THEN
                INSERT INTO series (slug, name) VALUES (series_slug(NEW.series), NEW.series)
                ON CONFLICT (slug) DO NOTHING;
            END IF;
        END LOOP;
        RETURN NEW;
    END $$
"""

REFRESH_SERIES = """
    CREATE FUNCTION series_refresh(ids bigint[]) RETURNS void LANGUAGE sql AS $$
        DELETE FROM series s
        WHERE s.id = ANY (ids) AND NOT EXISTS (SELECT FROM book b WHERE b.series_id = s.id);
        UPDATE series s SET name = c.name
        FROM (
            SELECT DISTINCT ON (v.series_id) v.series_id, v.series AS name
            FROM (
                SELECT b.series_id, b.series, count(*) AS books FROM book b
                WHERE b.series_id = ANY (ids) GROUP BY b.series_id, b.series
            ) v
            ORDER BY v.series_id, v.books DESC, spelling_rank(v.series), v.series COLLATE "C"
        ) c
        WHERE s.id = c.series_id AND s.name <> c.name
    $$
"""

# Only another spelling than the name can change the name when books are added.
SERIES_CHANGED = """
    CREATE FUNCTION book_series_changed() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        ids bigint[];
    BEGIN
        IF TG_OP = 'INSERT' THEN
            ids := ARRAY(
                SELECT DISTINCT s.id FROM after n JOIN series s ON s.id = n.series_id WHERE n.series <> s.name
            );
        ELSIF TG_OP = 'DELETE' THEN
            ids := ARRAY(SELECT DISTINCT series_id FROM before WHERE series_id IS NOT NULL);
        ELSE
            ids := ARRAY(
                SELECT series_id FROM (
                    SELECT id, series_id, series FROM before WHERE series_id IS NOT NULL
                    EXCEPT SELECT id, series_id, series FROM after
                ) o
                UNION
                SELECT series_id FROM (
                    SELECT id, series_id, series FROM after WHERE series_id IS NOT NULL
                    EXCEPT SELECT id, series_id, series FROM before
                ) n
            );
        END IF;
        IF ids <> '{}' THEN
            PERFORM series_refresh(ids);
        END IF;
        RETURN NULL;
    END $$
"""

UP = (
    "SET LOCAL lock_timeout = '5s'",
    POSITION_KEY,
    """
    CREATE FUNCTION series_slug(name text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN left(slug(name), 200)
    """,
    """
    CREATE FUNCTION subtitle_and_series(subtitle text, series text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN series IS NULL OR strpos(subtitle, series) > 0 THEN subtitle
                ELSE coalesce(subtitle || ' ', '') || series END
    """,
    """
    CREATE TABLE series (
        id bigint GENERATED ALWAYS AS IDENTITY,
        slug text COLLATE "C" NOT NULL,
        name text NOT NULL,
        CONSTRAINT series_pkey PRIMARY KEY (id),
        CONSTRAINT series_slug_key UNIQUE (slug),
        CONSTRAINT series_name_is_key CHECK (slug = series_slug(name))
    )
    """,
    """
    ALTER TABLE book
        ADD COLUMN series text,
        ADD COLUMN series_position text,
        ADD COLUMN series_id bigint,
        ADD COLUMN series_key text COLLATE "C",
        ADD CONSTRAINT book_series_not_blank CHECK (series ~ '\\S'),
        ADD CONSTRAINT book_series_length CHECK (length(series) <= 500),
        ADD CONSTRAINT book_series_found CHECK ((series IS NULL) = (series_id IS NULL)),
        ADD CONSTRAINT book_series_position_range CHECK (
            series_position IS NULL
            OR series IS NOT NULL AND series_position ~ '\\S' AND length(series_position) <= 50
        ),
        ADD CONSTRAINT book_series_fkey FOREIGN KEY (series_id) REFERENCES series (id) ON DELETE RESTRICT
    """,
    """
    CREATE INDEX book_series_idx ON book (series_id, series_key, id) INCLUDE (is_published)
    WHERE series_id IS NOT NULL
    """,
    FIND_SERIES,
    """
    CREATE TRIGGER book_series_added BEFORE INSERT ON book FOR EACH ROW
    WHEN (NEW.series IS NOT NULL OR NEW.series_position IS NOT NULL) EXECUTE FUNCTION book_series()
    """,
    """
    CREATE TRIGGER book_series_moved BEFORE UPDATE ON book FOR EACH ROW
    WHEN (OLD.series IS DISTINCT FROM NEW.series OR OLD.series_position IS DISTINCT FROM NEW.series_position
          OR OLD.series_id IS DISTINCT FROM NEW.series_id OR OLD.series_key IS DISTINCT FROM NEW.series_key)
    EXECUTE FUNCTION book_series()
    """,
    REFRESH_SERIES,
    SERIES_CHANGED,
    *(
        f"""
        CREATE TRIGGER book_series_changed_{name} AFTER {event} ON book REFERENCING {tables}
        FOR EACH STATEMENT EXECUTE FUNCTION book_series_changed()
        """
        for name, event, tables in (
            ("added", "INSERT", "NEW TABLE AS after"),
            ("removed", "DELETE", "OLD TABLE AS before"),
            ("moved", "UPDATE", "OLD TABLE AS before NEW TABLE AS after"),
        )
    ),
    edited_sql({**FIELDS, **EDITED_FIELDS}),
    *version_sql({**FIELDS, **EDITED_FIELDS}),
    *search_sql("subtitle_and_series(b.subtitle, b.series)", "title subtitle series description"),
)

DOWN = (
    "SET LOCAL lock_timeout = '5s'",
    *search_sql("b.subtitle", "title subtitle description"),
    *version_sql(FIELDS),
    edited_sql(FIELDS),
    *(f"DROP TRIGGER book_series_changed_{name} ON book" for name in ("added", "removed", "moved")),
    "DROP FUNCTION book_series_changed",
    "DROP FUNCTION series_refresh",
    "DROP TRIGGER book_series_added ON book",
    "DROP TRIGGER book_series_moved ON book",
    "DROP FUNCTION book_series",
    "DELETE FROM book_field WHERE field = 'series'",
    """
    SELECT search_refresh(ARRAY(SELECT id FROM book WHERE series IS NOT NULL))
    """,
    """
    ALTER TABLE book DROP COLUMN series, DROP COLUMN series_position, DROP COLUMN series_id,
        DROP COLUMN series_key
    """,
    "DROP TABLE series",
    "DROP FUNCTION subtitle_and_series",
    "DROP FUNCTION series_slug",
    "DROP FUNCTION series_position_key",
)


def upgrade() -> None:
    for statement in UP:
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.get_bind().exec_driver_sql(statement)
