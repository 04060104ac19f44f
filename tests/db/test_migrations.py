"""Migrations run up, down and up again, and end with the schema that the code expects."""

import asyncio
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.resources import files
from pathlib import Path

import asyncpg
import pytest
from alembic.script import ScriptDirectory

from db import migrations
from db.connections.connect import Connection, connect
from db.errors import DatabaseError
from db.migrations import downgrade, migrate
from db.revision import head_revision, migrate_to_head, require_head
from db.verify import run_checks
from tests.catalogs import add_author, add_book, add_category
from tests.waiting import until

EXPECTED = Path(__file__).parent / "expected_schema.txt"

DESCRIPTION_SQL = """
SELECT format('%s.%s %s%s%s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
              CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END,
              CASE WHEN a.attidentity = 'a' THEN ' IDENTITY' WHEN a.attgenerated = 's' THEN ' STORED' ELSE '' END)
FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
UNION ALL
SELECT format('%s: %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype <> 'n'
UNION ALL
SELECT pg_get_indexdef(i.indexrelid) FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indrelid
WHERE c.relnamespace = 'public'::regnamespace
UNION ALL
SELECT pg_get_triggerdef(t.oid) FROM pg_trigger AS t WHERE NOT t.tgisinternal
UNION ALL
SELECT format('function %s(%s)', proname, pg_get_function_identity_arguments(p.oid))
FROM pg_proc AS p WHERE pronamespace = 'public'::regnamespace
AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.objid = p.oid AND d.deptype = 'e')
"""

BOTH_WAIT = """
SELECT count(*) = 2 FROM pg_stat_activity
WHERE application_name = 'bookstore migrate' AND datname = current_database() AND wait_event_type = 'Lock'
"""

UNINDEXED_FOREIGN_KEYS = """
SELECT conname FROM pg_constraint AS f
WHERE contype = 'f' AND NOT EXISTS (
    SELECT FROM pg_index AS i
    WHERE i.indrelid = f.conrelid AND (i.indkey::int2[])[0:cardinality(f.conkey) - 1] = f.conkey
)
"""


async def describe_schema(dsn: str) -> str:
    """Return a description of the schema, one line per object, sorted."""
    connection = await asyncpg.connect(dsn)
    lines = sorted(row[0] for row in await connection.fetch(DESCRIPTION_SQL))
    await connection.close()
    return "\n".join(lines) + "\n"


async def test_up_down_and_up_again_ends_with_the_same_schema(dsn: str) -> None:
    before = await describe_schema(dsn)

    await asyncio.to_thread(downgrade, dsn)
    gone = await describe_schema(dsn)
    await asyncio.to_thread(migrate, dsn)

    assert "book" in before
    assert [line for line in gone.splitlines() if "alembic_version" not in line] == []
    assert await describe_schema(dsn) == before


async def test_the_schema_is_the_expected_one(dsn: str) -> None:
    """Regenerate the expected schema by `python -m tests.db.test_migrations DSN` after an intended change."""
    assert await describe_schema(dsn) == EXPECTED.read_text(encoding="utf-8")


async def test_every_foreign_key_has_an_index(connection: asyncpg.Connection) -> None:
    assert await connection.fetch(UNINDEXED_FOREIGN_KEYS) == []


async def test_migrating_a_migrated_database_changes_nothing(dsn: str) -> None:
    await asyncio.to_thread(migrate, dsn)

    connection = await connect(dsn, application_name="bookstore tests")
    await require_head(connection)
    assert await connection.fetchval("SELECT version_num FROM alembic_version") == head_revision()
    await connection.close()


async def test_folding_the_final_sigma_computes_the_sort_keys_again(connection: asyncpg.Connection) -> None:
    revision = import_module("migrations.versions.0006_final_sigma")
    listing = (
        "SELECT a.sort_key, c.sort_key, b.title_key, l.title_key"
        " FROM author AS a, category AS c, book AS b JOIN author_listing AS l ON l.book_id = b.id"
    )
    for statement in revision.DOWN:
        await connection.execute(statement)
    author = await add_author(connection, "Όμηρος")
    await add_category(connection, "Ύμνος")
    await add_book(connection, "Στον πόλεμος", authors=[author])

    before = await connection.fetchrow(listing)
    for statement in revision.UP:
        await connection.execute(statement)
    after = await connection.fetchrow(listing)
    for statement in revision.DOWN:
        await connection.execute(statement)

    assert before == ("ομηρος", "υμνος", "στον πολεμος", "στον πολεμος")
    assert after == ("ομηροσ", "υμνοσ", "στον πολεμοσ", "στον πολεμοσ")
    assert await connection.fetchrow(listing) == before
    assert await connection.fetchval("SELECT slug('Όμηρος')") == "ομηρος"


LETTER_FORMS = import_module("migrations.versions.0018_letter_forms")

CATALOG_BY_TITLE = """
SELECT b.title,
       (SELECT string_agg(format('%s %s %s', a.slug, coalesce(s.name, a.name), lower(l.role)), '; ' ORDER BY l.position)
        FROM book_author AS l JOIN author AS a ON a.id = l.author_id
        LEFT JOIN author_spelling AS s ON s.author_id = a.id AND s.number = coalesce(l.spelling, 0)
        WHERE l.book_id = b.id),
       (SELECT string_agg(format('%s %s', k.path, array_to_string(coalesce(s.names, category_base(k.id)), ' > ')),
                          '; ' ORDER BY k.path)
        FROM book_category AS l JOIN category AS k ON k.id = l.category_id
        LEFT JOIN category_spelling AS s ON s.category_id = k.id AND s.number = coalesce(l.spelling, 0)
        WHERE l.book_id = b.id)
FROM book AS b ORDER BY b.title
"""


async def execute_all(connection: Connection, statements: Sequence[str]) -> None:
    for statement in statements:
        await connection.execute(statement)


async def test_authors_whose_names_differ_in_the_forms_of_letters_are_joined(connection: Connection) -> None:
    await execute_all(connection, (*LETTER_FORMS.DOWN, "SET LOCAL bookstore.writer = ''"))
    small = await add_author(connection, "Σοφοκλής")
    capitals = await add_author(connection, "ΣΟΦΟΚΛΗΣ", birth_year=-497, death_year=-406)
    arabic, shown = await add_author(connection, "ﻣﺤﻤﺪ"), await add_author(connection, "محمد")
    keyed = await add_author(connection, "ΣΟΦΟΚΛΗΣ", source="shop", source_id="7")
    await connection.execute(
        "INSERT INTO author_redirect (slug, author_id) VALUES ('sophocles', $1)", capitals
    )
    await connection.execute(
        "INSERT INTO author_key_redirect (source, source_id, author_id) VALUES ('name', 'σοφσ', $1)", capitals
    )
    await add_book(connection, "1", authors=[small])
    await add_book(connection, "2", authors=[small, (capitals, "TRANSLATOR")])
    await add_book(connection, "3", authors=[capitals, shown, small, (keyed, "EDITOR")])
    await add_book(connection, "4", authors=[arabic], is_published=False)
    await add_book(connection, "5", authors=[shown])
    edits = await connection.fetch("SELECT * FROM book_field ORDER BY book_id, field")

    await execute_all(connection, LETTER_FORMS.UP)

    assert [tuple(row)[:2] for row in await connection.fetch(CATALOG_BY_TITLE)] == [
        ("1", "σοφοκλης Σοφοκλής author"),
        ("2", "σοφοκλης Σοφοκλής author; σοφοκλης ΣΟΦΟΚΛΗΣ translator"),
        ("3", "σοφοκλης ΣΟΦΟΚΛΗΣ author; محمد محمد author; σοφοκλης-shop-7 ΣΟΦΟΚΛΗΣ editor"),
        ("4", "محمد ﻣﺤﻤﺪ author"),
        ("5", "محمد محمد author"),
    ]
    authors = await connection.fetch("SELECT id, name, birth_year, book_count FROM author ORDER BY id")
    assert [tuple(row) for row in authors] == [
        (small, "Σοφοκλής", -497, 3),
        (shown, "محمد", None, 2),
        (keyed, "ΣΟΦΟΚΛΗΣ", None, 1),
    ]
    assert [tuple(row) for row in await connection.fetch("SELECT * FROM author_redirect ORDER BY slug")] == [
        ("sophocles", small),
        ("σοφοκλησ", small),
        ("σοφοκλησ-shop-7", keyed),
        ("ﻣﺤﻤﺪ", shown),
    ]
    assert [tuple(row) for row in await connection.fetch("SELECT * FROM author_merge ORDER BY old_id")] == [
        (capitals, small),
        (arabic, shown),
    ]
    keys = await connection.fetch("SELECT source_id, author_id FROM author_key_redirect ORDER BY source_id")
    assert [tuple(row) for row in keys] == [
        ("σοφοκλησ", small),
        ("σοφς", small),
        ("σοφσ", small),
        ("ﻣﺤﻤﺪ", shown),
    ]
    assert await connection.fetch("SELECT * FROM book_field ORDER BY book_id, field") == edits
    assert [finding for finding in await run_checks(connection) if finding.count] == []


async def test_categories_whose_paths_differ_in_the_forms_of_letters_are_joined(
    connection: Connection,
) -> None:
    await execute_all(connection, LETTER_FORMS.DOWN)
    capitals, small = await add_category(connection, "ΜΥΘΟΣ"), await add_category(connection, "Μύθος")
    child, other_child = (
        await add_category(connection, "ΗΡΩΑΣ", capitals),
        await add_category(connection, "Ήρωας", small),
    )
    below = await add_category(connection, "Below", child)
    alone = await add_category(connection, "Alone", small)
    await connection.execute(
        "INSERT INTO category_redirect (path, category_id) VALUES ('heroes', $1)", other_child
    )
    await add_book(connection, "1", categories=[capitals, small])
    await add_book(connection, "2", categories=[child])
    await add_book(connection, "3", categories=[other_child])
    await add_book(connection, "4", categories=[child, below])
    await add_book(connection, "5", categories=[alone])

    await execute_all(connection, LETTER_FORMS.UP)

    assert [(row[0], row[2]) for row in await connection.fetch(CATALOG_BY_TITLE)] == [
        ("1", "μυθος ΜΥΘΟΣ"),
        ("2", "μυθος/ηρωας ΜΥΘΟΣ > ΗΡΩΑΣ"),
        ("3", "μυθος/ηρωας Μύθος > Ήρωας"),
        ("4", "μυθος/ηρωας ΜΥΘΟΣ > ΗΡΩΑΣ; μυθος/ηρωας/below ΜΥΘΟΣ > ΗΡΩΑΣ > Below"),
        ("5", "μυθος/alone ΜΥΘΟΣ > Alone"),
    ]
    found = await connection.fetch("SELECT id, path, book_count, direct_book_count FROM category ORDER BY id")
    assert [tuple(row) for row in found] == [
        (capitals, "μυθος", 5, 1),
        (child, "μυθος/ηρωας", 3, 3),
        (below, "μυθος/ηρωας/below", 1, 1),
        (alone, "μυθος/alone", 1, 1),
    ]
    assert [
        tuple(row) for row in await connection.fetch("SELECT * FROM category_redirect ORDER BY path")
    ] == [
        ("heroes", child),
        ("μυθοσ", capitals),
        ("μυθοσ/ηρωασ", child),
        ("μυθοσ/ηρωασ/below", below),
    ]
    assert [finding for finding in await run_checks(connection) if finding.count] == []


async def test_a_downgrade_computes_the_former_keys(connection: Connection) -> None:
    author, category = await add_author(connection, "ΣΟΦΟΚΛΗΣ"), await add_category(connection, "ΜΥΘΟΣ")
    await add_book(connection, "1", authors=[author], categories=[category])
    keys = "SELECT a.slug, k.path FROM author AS a, category AS k"

    await execute_all(connection, LETTER_FORMS.DOWN)
    older = await connection.fetchrow(keys)
    await execute_all(connection, LETTER_FORMS.UP)

    assert older == ("σοφοκλησ", "μυθοσ")
    assert await connection.fetchrow(keys) == ("σοφοκλης", "μυθος")
    assert [finding for finding in await run_checks(connection) if finding.count] == []


async def test_the_present_spelling_becomes_that_of_all_books(connection: Connection) -> None:
    revision = import_module("migrations.versions.0013_spellings")
    for statement in revision.DOWN:
        await connection.execute(statement)
    await add_book(connection, "T", authors=[await add_author(connection, "ANN")])
    before = await connection.fetch("SELECT book_id, position, author_id, role FROM book_author")

    for statement in revision.UP:
        await connection.execute(statement)

    assert await connection.fetch("SELECT book_id, position, author_id, role FROM book_author") == before
    assert await connection.fetchval("SELECT count(spelling) FROM book_author") == 0
    assert [finding for finding in await run_checks(connection) if finding.count] == []


async def test_a_downgrade_publishes_books_that_are_off_sale(connection: Connection) -> None:
    revisions = [
        import_module(f"migrations.versions.{name}")
        for name in ("0014_published", "0015_listing_order", "0016_writes", "0021_times", "0023_works")
    ]
    author, category = await add_author(connection, "Jane"), await add_category(connection, "Fiction")
    await add_book(connection, "Sea", authors=[author], categories=[category])
    await add_book(connection, "Hill", authors=[author], categories=[category], is_published=False)
    counted = (
        "SELECT a.book_count, c.book_count, s.books, (SELECT count(*) FROM book_search),"
        " (SELECT count(*) FROM book_field WHERE field = 'is_published') FROM author a, category c, catalog_size s"
    )

    before = await connection.fetchrow(counted)
    for revision in reversed(revisions):
        for statement in revision.DOWN:
            await connection.execute(statement)
    without = await connection.fetchrow(counted)
    await add_book(connection, "Lake", authors=[author], categories=[category])
    older = await connection.fetchrow(counted)
    for revision in revisions:
        for statement in revision.UP:
            await connection.execute(statement)

    assert (before, without, older) == ((1, 1, 1, 1, 1), (2, 2, 2, 2, 0), (3, 3, 3, 3, 0))
    assert [finding for finding in await run_checks(connection) if finding.count] == []


async def test_existing_books_were_added_by_their_imports_and_their_views_are_trending(
    connection: Connection,
) -> None:
    revision = import_module("migrations.versions.0021_times")
    for statement in revision.DOWN:
        await connection.execute(statement)
    books = [await add_book(connection, title, language="en") for title in "ABCD"]
    await connection.execute(
        "INSERT INTO import (id, source, inputs, new_books, changed_books, deleted_books, rejected_rows,"
        " first_book_id, last_book_id, imported_at) VALUES"
        " (1, 's', '', 1, 0, 0, 0, $1, $1, '2026-01-01 12:00Z'), (2, 's', '', 0, 1, 0, 0, NULL, NULL, '2026-01-02Z'),"
        " (3, 's', '', 1, 0, 0, 0, $2, $2, '2026-01-03 12:00Z')",
        books[1],
        books[2],
    )
    await connection.execute(
        "INSERT INTO book_view VALUES ($1, current_date, 2), ($1, current_date - 6, 1), ($2, current_date - 7, 9)",
        *books[:2],
    )

    for statement in revision.UP:
        await connection.execute(statement)
    await add_book(connection, "E")

    added = await connection.fetch(
        "SELECT b.title, (SELECT to_char(a.added_at AT TIME ZONE 'UTC', 'MM-DD') FROM book_addition a"
        " WHERE a.first_id <= b.id ORDER BY a.first_id DESC LIMIT 1) FROM book b WHERE title < 'E' ORDER BY b.id"
    )
    assert added == [("A", "01-01"), ("B", "01-01"), ("C", "01-03"), ("D", "01-03")]
    assert await connection.fetchval(
        "SELECT max(added_at) > '2026-01-04' FROM book_addition WHERE first_id > $1", books[3]
    )
    assert await connection.fetch("SELECT book_id, views FROM book_trend") == [(books[0], 3)]
    assert await connection.fetch("SELECT kind, code, books FROM catalog_code") == [("language", "en", 4)]
    assert await connection.fetchval("SELECT count(DISTINCT updated_at) FROM book WHERE title < 'E'") == 1
    assert [finding for finding in await run_checks(connection) if finding.count] == []


async def test_a_database_that_is_not_migrated_is_rejected(dsn: str) -> None:
    connection = await connect(dsn, application_name="bookstore tests")

    await connection.execute("UPDATE alembic_version SET version_num = '0000'")
    with pytest.raises(DatabaseError) as older:
        await require_head(connection)
    await asyncio.to_thread(downgrade_after_reset, dsn)
    with pytest.raises(DatabaseError) as empty:
        await require_head(connection)
    await connection.execute("DROP TABLE alembic_version")
    with pytest.raises(DatabaseError) as foreign:
        await require_head(connection)
    await connection.close()

    assert str(older.value) == (
        f"The database is at revision 0000, this version needs {head_revision()}: run `bookstore migrate`."
    )
    nothing = (
        f"The database is at revision none, this version needs {head_revision()}: run `bookstore migrate`."
    )
    assert str(empty.value) == str(foreign.value) == nothing


async def test_a_migrated_database_is_not_migrated_again(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    upgrades: list[str] = []
    monkeypatch.setattr(migrations, "migrate", upgrades.append)
    connection = await asyncpg.connect(dsn)

    await asyncio.to_thread(migrate_to_head, dsn)
    at_head = list(upgrades)
    await connection.execute("UPDATE alembic_version SET version_num = '0000'")
    await asyncio.to_thread(migrate_to_head, dsn)
    await connection.close()

    assert (at_head, upgrades) == ([], [dsn])


def test_the_newest_revision_is_alembics_head() -> None:
    script = ScriptDirectory(str(files("migrations")))

    assert script.get_heads() == [head_revision()]


def downgrade_after_reset(dsn: str) -> None:
    async def reset() -> None:
        connection = await asyncpg.connect(dsn)
        await connection.execute("UPDATE alembic_version SET version_num = $1", head_revision())
        await connection.close()

    asyncio.run(reset())
    downgrade(dsn)


async def test_a_database_that_folds_only_ascii_is_rejected(maintenance: str) -> None:
    connection = await asyncpg.connect(maintenance)
    await connection.execute(
        "CREATE DATABASE ascii_only TEMPLATE template0 LOCALE_PROVIDER libc LC_COLLATE 'C' LC_CTYPE 'C'"
    )
    ascii_only = maintenance.replace("/postgres?", "/ascii_only?")

    with pytest.raises(DatabaseError, match="folds only ASCII letters"):
        await asyncio.to_thread(migrate, ascii_only)

    await connection.execute("DROP DATABASE ascii_only")
    await connection.close()


MIGRATE = "import sys; from db.migrations import migrate; migrate(sys.argv[1])"


async def test_of_two_programs_that_migrate_at_once_the_second_finds_nothing_to_do(maintenance: str) -> None:
    connection = await asyncpg.connect(maintenance)
    await connection.execute("CREATE DATABASE fresh")
    fresh = maintenance.replace("/postgres?", "/fresh?")
    locker = await asyncpg.connect(fresh)
    await locker.execute("SELECT pg_advisory_lock(hashtext('bookstore migrate'))")

    both = [await asyncio.create_subprocess_exec(sys.executable, "-c", MIGRATE, fresh) for _ in range(2)]
    await until(lambda: locker.fetchval(BOTH_WAIT))
    await locker.close()
    exit_codes = [await process.wait() for process in both]

    assert exit_codes == [0, 0]
    assert await describe_schema(fresh) == EXPECTED.read_text(encoding="utf-8")
    await connection.execute("DROP DATABASE fresh")
    await connection.close()


async def test_a_user_without_the_create_privilege_gets_a_clear_error(maintenance: str) -> None:
    connection = await asyncpg.connect(maintenance)
    await connection.execute("CREATE ROLE guest LOGIN")
    await connection.execute("CREATE DATABASE guarded")
    guarded = maintenance.replace("/postgres?", "/guarded?")

    with pytest.raises(DatabaseError) as caught:
        await asyncio.to_thread(migrate, guarded.replace("//app@", "//guest@"))

    assert str(caught.value) == "The database cannot be migrated: permission denied for schema public"
    await connection.execute("DROP DATABASE guarded")
    await connection.execute("DROP ROLE guest")
    await connection.close()


if __name__ == "__main__":
    EXPECTED.write_text(asyncio.run(describe_schema(sys.argv[1])), encoding="utf-8")
