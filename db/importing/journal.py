"""The journal: what an import changes, recorded so that it can be listed and undone.

`import` has a row for each import, and `import_change` one for each book, author or category that it changed or
deleted:

- kind `book`: `before` and `after` hold the changed columns, and authors and categories if their links changed.
  Authors are arrays of source, source id and role; categories are paths. `before` has `author_names`, the name
  and sort name of each author, and `category_names`, the names of each path, as the book wrote them. A deleted
  book has its whole content in `before` and no `after`; one that an undo brings back has no `before`.
- kind `book_field`: by field, the owner and the time of the edit, or null without either.
- kinds `author` and `category`: their own columns. Deleted ones have no `after`.

New books have no rows: their ids are a range that the row of the import names.
"""

from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import asynccontextmanager

import asyncpg

from db.book_columns import BOOK_COLUMNS, BookField
from db.importing.plan import Plan
from db.importing.update_rules import UpdateRules, differs_condition
from db.spellings import CATEGORY_NAMES_SQL

CHANGES_KEPT_DAYS = 90
"""The days for which the changes of an import are kept."""

_ADD_IMPORT = """
/* add_import */
INSERT INTO import (id, source, inputs, new_books, changed_books, deleted_books, rejected_rows,
                    first_book_id, last_book_id, undoes, unpublished_books)
SELECT (SELECT coalesce(max(id), 0) + 1 FROM import), $1::text, $2::text, $3::integer, $4::integer, $5::integer,
       $6::integer, t.first, t.last, $7::integer, $8::integer
FROM (SELECT min(id) AS first, max(id) AS last FROM target_book WHERE is_new AND $7::integer IS NULL) t
RETURNING id
"""

PEOPLE_SQL = "jsonb_agg(jsonb_build_array(a.source, a.source_id, l.role) ORDER BY l.position)"
"""The authors of a book as the journal has them, of links `l` and authors `a`."""

PATHS_SQL = "jsonb_agg(k.path ORDER BY k.path)"
"""The categories of a book as the journal has them, of categories `k`."""

_FORMER_PEOPLE = f"""
    SELECT l.book_id, {PEOPLE_SQL} AS entries,
           jsonb_agg(jsonb_build_array(coalesce(s.name, a.name), coalesce(s.sort_name, a.sort_name))
                     ORDER BY l.position) AS names
    FROM book_author l
    JOIN author a ON a.id = l.author_id
    LEFT JOIN author_spelling s ON s.author_id = a.id AND s.number = coalesce(l.spelling, 0)
    WHERE l.book_id IN (SELECT book_id FROM {{books}}) GROUP BY l.book_id
"""

_FORMER_PATHS = f"""
    SELECT l.book_id, {PATHS_SQL} AS entries,
           jsonb_agg(to_jsonb(coalesce(s.names, n.base)) ORDER BY k.path) AS names
    FROM book_category l
    JOIN category k ON k.id = l.category_id
    JOIN ({CATEGORY_NAMES_SQL}) n ON n.category_id = k.id
    LEFT JOIN category_spelling s ON s.category_id = k.id AND s.number = coalesce(l.spelling, 0)
    WHERE l.book_id IN (SELECT book_id FROM {{books}}) GROUP BY l.book_id
"""

# An author or category of a new link may be new as well: it is in `target_*` only.
_CHANGED_BOOKS = f"""
/* record_changed_books */
INSERT INTO import_change (import_id, kind, item_id, before, after)
WITH relinked AS MATERIALIZED (
    SELECT l.book_id FROM target_book_author l JOIN target_book t ON t.id = l.book_id WHERE NOT t.is_new
    UNION SELECT g.book_id FROM gone_book_author g JOIN target_book t ON t.id = g.book_id
), reshelved AS MATERIALIZED (
    SELECT l.book_id FROM target_book_category l JOIN target_book t ON t.id = l.book_id WHERE NOT t.is_new
    UNION SELECT g.book_id FROM gone_book_category g JOIN target_book t ON t.id = g.book_id
), former_people AS ({_FORMER_PEOPLE.format(books="relinked")}
), people AS (
    SELECT l.book_id, {PEOPLE_SQL} AS entries
    FROM (
        SELECT book_id, position, author_id, role FROM book_author
        WHERE book_id IN (SELECT book_id FROM relinked)
          AND (book_id, position) NOT IN (SELECT book_id, position FROM gone_book_author)
        UNION ALL
        SELECT book_id, position, author_id, role FROM target_book_author
        WHERE book_id IN (SELECT book_id FROM relinked)
    ) l
    JOIN (
        SELECT id, source, source_id FROM author
        UNION ALL SELECT id, source, source_id FROM target_author WHERE is_new
    ) a ON a.id = l.author_id
    GROUP BY l.book_id
), former_paths AS ({_FORMER_PATHS.format(books="reshelved")}
), paths AS (
    SELECT l.book_id, {PATHS_SQL} AS entries
    FROM (
        SELECT book_id, category_id FROM book_category
        WHERE book_id IN (SELECT book_id FROM reshelved)
          AND (book_id, category_id) NOT IN (SELECT book_id, category_id FROM gone_book_category)
        UNION ALL
        SELECT book_id, category_id FROM target_book_category WHERE book_id IN (SELECT book_id FROM reshelved)
    ) l
    JOIN (
        SELECT id, path FROM category UNION ALL SELECT id, path FROM target_category WHERE is_new
    ) k ON k.id = l.category_id
    GROUP BY l.book_id
)
SELECT $1::integer, 'book', t.id,
       {{before}}
       || CASE WHEN r.book_id IS NULL THEN '{{{{}}}}' ELSE jsonb_build_object(
           'authors', coalesce(fp.entries, '[]'), 'author_names', coalesce(fp.names, '[]')) END
       || CASE WHEN h.book_id IS NULL THEN '{{{{}}}}' ELSE jsonb_build_object(
           'categories', coalesce(fk.entries, '[]'), 'category_names', coalesce(fk.names, '[]')) END,
       {{after}}
       || CASE WHEN r.book_id IS NULL THEN '{{{{}}}}'
               ELSE jsonb_build_object('authors', coalesce(p.entries, '[]')) END
       || CASE WHEN h.book_id IS NULL THEN '{{{{}}}}'
               ELSE jsonb_build_object('categories', coalesce(k.entries, '[]')) END
FROM target_book t
JOIN stage_book s USING (ordinal)
JOIN book b ON b.id = t.id
LEFT JOIN relinked r ON r.book_id = t.id
LEFT JOIN reshelved h ON h.book_id = t.id
LEFT JOIN former_people fp ON fp.book_id = t.id
LEFT JOIN people p ON p.book_id = t.id
LEFT JOIN former_paths fk ON fk.book_id = t.id
LEFT JOIN paths k ON k.book_id = t.id
WHERE NOT t.is_new AND (t.differs OR t.is_published IS NOT NULL OR r.book_id IS NOT NULL OR h.book_id IS NOT NULL)
"""

_UNPUBLISHED_BOOKS = """
/* record_unpublished_books */
INSERT INTO import_change (import_id, kind, item_id, before, after)
SELECT $1::integer, 'book', id, '{"is_published": true}', '{"is_published": false}' FROM unpublished_book
"""

_MISSING = "(SELECT id AS book_id FROM missing_book) m"

_DELETED_BOOKS = f"""
/* record_deleted_books */
INSERT INTO import_change (import_id, kind, item_id, before)
SELECT $1::integer, 'book', b.id, jsonb_build_object(
    'source', b.source, 'source_id', b.source_id, 'is_published', b.is_published,
    {", ".join(f"'{each.name}', b.{each.name}" for each in BOOK_COLUMNS)},
    'authors', coalesce(p.entries, '[]'), 'author_names', coalesce(p.names, '[]'),
    'categories', coalesce(k.entries, '[]'), 'category_names', coalesce(k.names, '[]'),
    'fields', coalesce(f.entries, '{{}}')
)
FROM missing_book m
JOIN book b USING (id)
LEFT JOIN ({_FORMER_PEOPLE.format(books=_MISSING)}) p ON p.book_id = b.id
LEFT JOIN ({_FORMER_PATHS.format(books=_MISSING)}) k ON k.book_id = b.id
LEFT JOIN (
    SELECT book_id, jsonb_object_agg(field, jsonb_build_array(owner, edited_at)) AS entries
    FROM book_field WHERE book_id IN (SELECT id FROM missing_book) GROUP BY book_id
) f ON f.book_id = b.id
"""

_CHANGED_AUTHORS = """
/* record_changed_authors */
INSERT INTO import_change (import_id, kind, item_id, before, after)
SELECT $1::integer, 'author', a.id,
       jsonb_build_object('name', a.name, 'sort_name', a.sort_name,
                          'birth_year', a.birth_year, 'death_year', a.death_year, 'edited_at', a.edited_at),
       jsonb_build_object('name', t.name, 'sort_name', t.sort_name,
                          'birth_year', t.birth_year, 'death_year', t.death_year, 'edited_at', t.edited_at)
FROM target_author t JOIN author a USING (id)
WHERE NOT t.is_new
  AND (a.name, a.sort_name, a.birth_year, a.death_year)
      IS DISTINCT FROM (t.name, t.sort_name, t.birth_year, t.death_year)
"""

_CHANGED_CATEGORIES = """
/* record_changed_categories */
INSERT INTO import_change (import_id, kind, item_id, before, after)
SELECT $1::integer, 'category', c.id, jsonb_build_object('name', c.name, 'edited_at', c.edited_at),
       jsonb_build_object('name', t.name, 'edited_at', NULL)
FROM target_category t JOIN category c USING (id)
WHERE NOT t.is_new AND c.name <> t.name
"""

_KEEP_FORMER_FIELDS = """
/* keep_former_fields */
CREATE TEMPORARY TABLE former_field ON COMMIT DROP AS
SELECT f.book_id, f.field, f.owner, f.edited_at FROM book_field f WHERE f.book_id IN ({books})
"""

_CHANGED_FIELDS = """
/* record_changed_fields */
INSERT INTO import_change (import_id, kind, item_id, before, after)
SELECT $1::integer, 'book_field', c.book_id, jsonb_object_agg(c.field, c.before), jsonb_object_agg(c.field, c.after)
FROM (
    SELECT book_id, field,
           CASE WHEN o.book_id IS NOT NULL THEN jsonb_build_array(o.owner, o.edited_at) END AS before,
           CASE WHEN n.book_id IS NOT NULL THEN jsonb_build_array(n.owner, n.edited_at) END AS after
    FROM former_field o
    FULL JOIN (
        SELECT f.book_id, f.field, f.owner, f.edited_at FROM book_field f WHERE f.book_id IN ({books})
    ) n USING (book_id, field)
    WHERE (o.book_id, o.owner, o.edited_at) IS DISTINCT FROM (n.book_id, n.owner, n.edited_at)
) c
GROUP BY c.book_id
"""

_FORGET_OLD_CHANGES = """
/* forget_old_changes */
WITH old AS (
    UPDATE import SET has_changes = false
    WHERE has_changes AND imported_at < now() - make_interval(days => $1::integer)
    RETURNING id
)
DELETE FROM import_change c USING old WHERE c.import_id = old.id
"""


async def add_import(
    connection: asyncpg.Connection, planned: Plan, *, inputs: str = "", undoes: int | None = None
) -> int:
    """Add the import to the journal. Return its number, the next one.

    `inputs` names what is read; `undoes` is the number of the import that this one undoes.
    """
    return await connection.fetchval(
        _ADD_IMPORT,
        planned.source,
        inputs,
        planned.counts.new,
        planned.counts.changed,
        planned.deleted,
        planned.rejected,
        undoes,
        planned.unpublished,
    )


async def record_changes(
    connection: asyncpg.Connection, number: int, rules: UpdateRules, planned: Plan
) -> None:
    """Record what the merge of the `target_*` and `gone_*` tables will change, before it does."""
    if planned.counts.changed:
        changed = {change.field for change in planned.changes}
        fields = [field for field in rules.fields if field.name in changed]
        before, after = _changed_columns_sql(fields, rules)
        await connection.execute(_CHANGED_BOOKS.format(before=before, after=after), number)
    if planned.deleted:
        await connection.execute(_DELETED_BOOKS, number)
    if planned.unpublished:
        await connection.execute(_UNPUBLISHED_BOOKS, number)
    await connection.execute(_CHANGED_AUTHORS, number)
    await connection.execute(_CHANGED_CATEGORIES, number)


OWNED_BOOKS = "SELECT id FROM target_book WHERE NOT is_new UNION ALL SELECT id FROM unpublished_book"
"""The query of the books whose owners of fields, or edits, an import may change."""


@asynccontextmanager
async def record_fields(connection: asyncpg.Connection, number: int, books: str) -> AsyncGenerator[None]:
    """Record the owners and edits of fields that the block changes. `books` is the query of the books' ids."""
    await connection.execute(_KEEP_FORMER_FIELDS.format(books=books))
    yield
    await connection.execute(_CHANGED_FIELDS.format(books=books), number)


async def forget_old_changes(connection: asyncpg.Connection) -> None:
    """Delete the changes of imports that are older than CHANGES_KEPT_DAYS. Their counts stay."""
    await connection.execute(_FORGET_OLD_CHANGES, CHANGES_KEPT_DAYS)


def _changed_columns_sql(fields: Iterable[BookField], rules: UpdateRules) -> tuple[str, str]:
    """Return the objects with the former and the new values of the columns that a staged row changes."""
    objects = [
        ("t.new_key IS NOT NULL", "'source_id', b.source_id", "'source_id', t.new_key"),
        (
            "t.is_published IS NOT NULL",
            "'is_published', b.is_published",
            "'is_published', t.is_published",
        ),
        *(
            (
                differs_condition((field,), empty_clears=rules.empty_clears),
                ", ".join(f"'{column.name}', b.{column.name}" for column in field.columns),
                ", ".join(
                    f"'{column.name}', {value}"
                    for column, value in zip(field.columns, rules.values_of(field), strict=True)
                ),
            )
            for field in fields
        ),
    ]
    former, new = (
        " || ".join(
            f"CASE WHEN {each[0]} THEN jsonb_build_object({each[which]}) ELSE '{{}}' END" for each in objects
        )
        for which in (1, 2)
    )
    return former, new


def find_undone(undoes: Mapping[int, int | None]) -> dict[int, int]:
    """Return the imports that are undone, each with the import that undid it.

    `undoes` has each import with the one that it undoes. An undo that is undone does not count.
    """
    undone: dict[int, int] = {}
    for number in sorted(undoes, reverse=True):
        target = undoes[number]
        if target is not None and number not in undone:
            undone.setdefault(target, number)
    return undone
