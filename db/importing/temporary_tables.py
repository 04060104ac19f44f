"""The temporary tables of an import. PostgreSQL drops them at the end of its transaction.

- `stage_*` holds what the feed says.
- `target_*` holds the rows that the catalog must have after the import, with their existing or new ids. An
  existing book whose source id changes has it as `new_key`. `is_published` is NULL if it stays as it is.
- `target_author_spelling` and `target_category_spelling` hold rows only for those that have several spellings.
- `missing_book` and `unpublished_book` hold books without a row that are deleted or unpublished.
- `gone_row` holds the keys and titles of rejected rows, the other `gone_*` the links that the feed no longer has.
"""

import asyncpg

from db.book_columns import BOOK_COLUMNS, BookColumn


def decimal_text_column(name: str) -> str:
    """Return the name of the staged column with the text of a decimal."""
    return f"{name}_text"


def _staged_column_sql(column: BookColumn) -> str:
    """Return the definition of a book's column in `stage_book`. NULL stands for an empty cell.

    A decimal is sent as text: asyncpg takes five times as long to encode it in binary.
    """
    sql_type = column.sql_type.removesuffix(" NOT NULL")
    if not column.is_decimal:
        return f"{column.name} {sql_type}"
    text = decimal_text_column(column.name)
    return f"{text} text,\n    {column.name} {sql_type} GENERATED ALWAYS AS ({text}::numeric) STORED"


_BOOK_COLUMNS_SQL = ",\n    ".join(map(_staged_column_sql, BOOK_COLUMNS))

# `people` and `paths` hold comma-separated numbers of stage_person and stage_path, also for the encoding's sake.
_STAGING_TABLES = f"""
/* create_staging_tables */
CREATE TEMPORARY TABLE stage_book (
    ordinal integer PRIMARY KEY,
    row bigint NOT NULL,
    source_id text NOT NULL,
    {_BOOK_COLUMNS_SQL}
) ON COMMIT DROP;
CREATE TEMPORARY TABLE stage_link (
    ordinal integer NOT NULL,
    people text,
    paths text
) ON COMMIT DROP;
CREATE TEMPORARY TABLE stage_dropped (
    row bigint NOT NULL,
    field text NOT NULL
) ON COMMIT DROP;
CREATE TEMPORARY TABLE stage_person (
    person integer NOT NULL,
    name text NOT NULL,
    role text COLLATE "C" NOT NULL,
    source_id text,
    sort_name text,
    birth_year integer,
    death_year integer
) ON COMMIT DROP;
CREATE TEMPORARY TABLE stage_path (
    path integer NOT NULL,
    names text[] NOT NULL
) ON COMMIT DROP;
"""

_MERGE_TABLES = """
/* create_merge_tables */
CREATE TEMPORARY TABLE stage_reject (
    row bigint NOT NULL,
    field text NOT NULL,
    value text NOT NULL,
    reason text NOT NULL,
    first_row bigint,
    dropped text NOT NULL DEFAULT 'row'
) ON COMMIT DROP;
CREATE TEMPORARY TABLE gone_row (
    row bigint NOT NULL,
    source_id text NOT NULL,
    title text
) ON COMMIT DROP;
CREATE FUNCTION pg_temp.keep_gone_rows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO gone_row (row, source_id, title) SELECT row, source_id, title FROM gone;
    RETURN NULL;
END $$;
CREATE TRIGGER stage_book_gone AFTER DELETE ON stage_book REFERENCING OLD TABLE AS gone
FOR EACH STATEMENT EXECUTE FUNCTION pg_temp.keep_gone_rows();
CREATE TEMPORARY TABLE stage_node (
    path integer NOT NULL,
    depth integer NOT NULL,
    is_leaf boolean NOT NULL,
    name text NOT NULL,
    slugs text COLLATE "C" NOT NULL,
    parent_slugs text COLLATE "C"
) ON COMMIT DROP;
CREATE TEMPORARY TABLE stage_key (
    person integer NOT NULL,
    role text COLLATE "C" NOT NULL,
    source text NOT NULL,
    source_id text NOT NULL,
    name text COLLATE "C" NOT NULL,
    sort_name text COLLATE "C" NOT NULL,
    birth_year integer,
    death_year integer
) ON COMMIT DROP;
CREATE TEMPORARY TABLE target_author (
    LIKE author INCLUDING GENERATED INCLUDING DEFAULTS,
    is_new boolean NOT NULL
) ON COMMIT DROP;
CREATE TEMPORARY TABLE stage_author (
    person integer PRIMARY KEY,
    author_id bigint NOT NULL,
    role text COLLATE "C" NOT NULL,
    spelling smallint
) ON COMMIT DROP;
CREATE TEMPORARY TABLE target_author_spelling (
    author_id bigint NOT NULL,
    number smallint NOT NULL,
    name text COLLATE "C" NOT NULL,
    sort_name text COLLATE "C" NOT NULL,
    books bigint NOT NULL DEFAULT 0
) ON COMMIT DROP;
CREATE TEMPORARY TABLE target_category (
    id bigint NOT NULL,
    parent_id bigint,
    depth integer NOT NULL,
    name text COLLATE "C" NOT NULL,
    path text COLLATE "C" NOT NULL,
    is_new boolean NOT NULL,
    edited_at timestamptz
) ON COMMIT DROP;
CREATE TEMPORARY TABLE stage_category (
    path integer PRIMARY KEY,
    category_id bigint NOT NULL,
    spelling smallint,
    names text[] COLLATE "C" NOT NULL,
    base text[] COLLATE "C" NOT NULL
) ON COMMIT DROP;
CREATE TEMPORARY TABLE target_category_spelling (
    category_id bigint NOT NULL,
    number smallint NOT NULL,
    names text[] COLLATE "C" NOT NULL
) ON COMMIT DROP;
CREATE TEMPORARY TABLE target_book (
    ordinal integer PRIMARY KEY,
    id bigint NOT NULL,
    is_new boolean NOT NULL,
    is_own boolean NOT NULL,
    differs boolean NOT NULL,
    new_key text,
    is_published boolean
) ON COMMIT DROP;
CREATE TEMPORARY TABLE missing_book (
    id bigint NOT NULL
) ON COMMIT DROP;
CREATE TEMPORARY TABLE unpublished_book (
    id bigint NOT NULL
) ON COMMIT DROP;
CREATE TEMPORARY TABLE kept_field (
    ordinal integer NOT NULL,
    field text COLLATE "C" NOT NULL,
    owner text NOT NULL
) ON COMMIT DROP;
CREATE TEMPORARY TABLE target_book_author (
    book_id bigint NOT NULL,
    position smallint NOT NULL,
    author_id bigint NOT NULL,
    role text COLLATE "C" NOT NULL,
    spelling smallint
) ON COMMIT DROP;
CREATE TEMPORARY TABLE target_book_category (
    book_id bigint NOT NULL,
    category_id bigint NOT NULL,
    spelling smallint
) ON COMMIT DROP;
CREATE TEMPORARY TABLE gone_book_author (
    book_id bigint NOT NULL,
    position smallint NOT NULL,
    author_id bigint NOT NULL
) ON COMMIT DROP;
CREATE TEMPORARY TABLE gone_book_category (
    book_id bigint NOT NULL,
    category_id bigint NOT NULL
) ON COMMIT DROP;
"""


# PostgreSQL drops the temporary tables of a transaction at its end, but not their functions.
_DISCARD = """
/* discard_temporary */
DISCARD TEMP
"""


async def discard_temporary_tables(connection: asyncpg.Connection) -> None:
    """Drop what is temporary in the session, so that the next transaction in it finds nothing of this one."""
    await connection.execute(_DISCARD)


async def create_staging_tables(connection: asyncpg.Connection) -> None:
    """Create the tables that the feed is copied to."""
    await connection.execute(_STAGING_TABLES)


async def create_merge_tables(connection: asyncpg.Connection) -> None:
    """Create the tables in which the staged rows are checked and compared with the catalog."""
    await connection.execute(_MERGE_TABLES)
