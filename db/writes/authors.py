"""Authors: add, change, delete and merge. Old slugs and ids go on being found."""

from collections.abc import Mapping
from typing import Any

from db.constraints import MAX_NAME_KEY_LENGTH, MAX_NAME_LENGTH, MAX_YEAR
from db.importing.field_parsers import FieldError
from db.importing.field_parsers.sort_names import derive_sort_name
from db.importing.field_parsers.texts import parse_literal_line
from db.statements import WriteStatement
from db.writes.book_keys import conflict
from db.writes.faults import Fault, FaultCode, WriteRejectedError, label, reject
from db.writes.references import Reference, find_references
from db.writes.session import LOCK_COUNTERS, WriteTransaction

_INSERT_AUTHOR = WriteStatement(
    "insert_author",
    f"""
WITH added AS (
    INSERT INTO author (source, source_id, name, sort_name, birth_year, death_year)
    VALUES ('name', left(slug($1::text), {MAX_NAME_KEY_LENGTH}), $1::text, $2::text, $3::integer, $4::integer)
    RETURNING id, slug, source, source_id
),
forgotten_slug AS (DELETE FROM author_redirect AS f USING added AS a WHERE f.slug = a.slug),
forgotten_key AS (
    DELETE FROM author_key_redirect AS f USING added AS a
    WHERE (f.source, f.source_id) = (a.source, a.source_id)
)
SELECT id FROM added
""",
)

_LOCK_AUTHORS = WriteStatement(
    "lock_authors",
    """
SELECT id, slug, source, source_id, name, sort_name, birth_year, death_year, version
FROM author WHERE id = ANY ($1::bigint[]) ORDER BY id FOR UPDATE
""",
)

# An author without an id of a source is known by the name.
_UPDATE_AUTHOR = WriteStatement(
    "update_author",
    f"""
WITH renamed AS (
    UPDATE author SET
        source_id = CASE source WHEN 'name' THEN left(slug($2::text), {MAX_NAME_KEY_LENGTH}) ELSE source_id
        END, name = $2::text, sort_name = $3::text, birth_year = $4::integer, death_year = $5::integer
    WHERE id = $1::bigint
    RETURNING id, slug, source, source_id
),
forgotten_slug AS (DELETE FROM author_redirect AS f USING renamed AS r WHERE f.slug = r.slug),
forgotten_key AS (
    DELETE FROM author_key_redirect AS f USING renamed AS r
    WHERE (f.source, f.source_id) = (r.source, r.source_id)
),
former_key AS (
    INSERT INTO author_key_redirect (source, source_id, author_id)
    SELECT $7::text, $8::text, r.id FROM renamed AS r WHERE (r.source, r.source_id) <> ($7::text, $8::text)
    ON CONFLICT (source, source_id) DO UPDATE SET author_id = excluded.author_id
)
INSERT INTO author_redirect (slug, author_id)
SELECT $6::text, r.id FROM renamed AS r WHERE r.slug <> $6::text
ON CONFLICT (slug) DO UPDATE SET author_id = excluded.author_id
""",
)

_COUNT_CONTRIBUTIONS = WriteStatement(
    "count_contributions",
    """
SELECT count(DISTINCT book_id) AS books FROM book_author WHERE author_id = $1::bigint
""",
)

_DELETE_AUTHOR = WriteStatement(
    "delete_author",
    """
DELETE FROM author WHERE id = $1::bigint
""",
)

# The books are locked by id before their links or their search documents change.
_LOCK_BOOKS_OF_AUTHOR = WriteStatement(
    "lock_books_of_author",
    """
SELECT FROM book WHERE id IN (SELECT book_id FROM book_author WHERE author_id = $1::bigint)
ORDER BY id FOR NO KEY UPDATE
""",
)

# The links of the books are written again: of a contribution that both had in a role, the first one stays.
_TAKE_LINKS = WriteStatement(
    "take_links",
    """
WITH taken AS (
    DELETE FROM book_author AS l
    WHERE l.book_id IN (SELECT book_id FROM book_author WHERE author_id = $2::bigint)
    RETURNING l.book_id, l.position, l.role,
              CASE l.author_id WHEN $2::bigint THEN $1::bigint ELSE l.author_id END AS author,
              CASE l.author_id WHEN $2::bigint THEN NULL ELSE l.spelling END AS spelling
),
kept AS (
    SELECT DISTINCT ON (book_id, role, author) * FROM taken ORDER BY book_id, role, author, position
)
SELECT array_agg(book_id ORDER BY book_id, position) AS book_ids,
       array_agg(author ORDER BY book_id, position) AS author_ids,
       array_agg(role ORDER BY book_id, position) AS roles,
       array_agg(spelling ORDER BY book_id, position) AS spellings
FROM kept
""",
)

_PUT_LINKS = WriteStatement(
    "put_links",
    """
INSERT INTO book_author (book_id, position, author_id, role, spelling)
SELECT u.book_id, row_number() OVER (PARTITION BY u.book_id ORDER BY u.n), u.author_id, u.role, u.spelling
FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::smallint[]) WITH ORDINALITY
    AS u (book_id, author_id, role, spelling, n)
""",
)

_REDIRECT_AUTHOR = WriteStatement(
    "redirect_author",
    """
WITH moved_slugs AS (
    UPDATE author_redirect SET author_id = $1::bigint WHERE author_id = $2::bigint AND slug <> $3::text
),
moved_ids AS (
    UPDATE author_merge SET author_id = $1::bigint WHERE author_id = $2::bigint
),
moved_keys AS (
    UPDATE author_key_redirect SET author_id = $1::bigint
    WHERE author_id = $2::bigint AND (source, source_id) <> ($4::text, $5::text)
),
former_id AS (
    INSERT INTO author_merge (old_id, author_id) VALUES ($2::bigint, $1::bigint)
),
former_key AS (
    INSERT INTO author_key_redirect (source, source_id, author_id) VALUES ($4::text, $5::text, $1::bigint)
    ON CONFLICT (source, source_id) DO UPDATE SET author_id = excluded.author_id
)
INSERT INTO author_redirect (slug, author_id) VALUES ($3::text, $1::bigint)
ON CONFLICT (slug) DO UPDATE SET author_id = excluded.author_id
""",
)


async def create_author(transaction: WriteTransaction, values: Mapping[str, Any]) -> int:
    """Add an author of name, sort_name, birth_year and death_year. Return the id.

    Without a sort name it is derived from the name.
    """
    parsed = _parse_values({"name": None, **values})
    name: str = parsed["name"]
    sort_name = parsed.get("sort_name") or derive_sort_name(name) or name
    years = parsed.get("birth_year"), parsed.get("death_year")
    await transaction.fetch(LOCK_COUNTERS)
    return (await transaction.fetch(_INSERT_AUTHOR, name, sort_name, *years))[0]["id"]


async def update_author(
    transaction: WriteTransaction,
    reference: Reference,
    values: Mapping[str, Any],
    expected_version: int | None,
) -> int:
    """Set the given values of an author; None clears a year. Return the id.

    With a new name, or a sort name that is cleared, the sort name is derived from the name.
    """
    parsed = _parse_values(values)
    if "name" in parsed:
        await transaction.fetch(LOCK_COUNTERS)
    row = await _lock_author(transaction, reference, expected_version, with_books="name" in parsed)
    new = {**row, **parsed}
    if not new["sort_name"] or ("name" in parsed and "sort_name" not in parsed):
        new["sort_name"] = derive_sort_name(new["name"]) or new["name"]
    await transaction.fetch(
        _UPDATE_AUTHOR,
        row["id"],
        *(new[name] for name in ("name", "sort_name", "birth_year", "death_year")),
        *(row[name] for name in ("slug", "source", "source_id")),
    )
    return row["id"]


async def delete_author(
    transaction: WriteTransaction, reference: Reference, expected_version: int | None
) -> int:
    """Delete an author who has no books. Return the id."""
    await transaction.fetch(LOCK_COUNTERS)
    row = await _lock_author(transaction, reference, expected_version)
    books = (await transaction.fetch(_COUNT_CONTRIBUTIONS, row["id"]))[0]["books"]
    if books:
        message = (
            f"Books that refer to this author: {books:,}. Take it from them, or merge it into another one."
        )
        raise reject(reference.path, FaultCode.IN_USE, message)
    await transaction.fetch(_DELETE_AUTHOR, row["id"])
    return row["id"]


async def merge_authors(transaction: WriteTransaction, into: Reference, source: Reference) -> int:
    """Give the books of an author to another one, and delete the first. Return the id of the other one.

    The old slug and id are found as those of the other one. Roles and order are kept; a contribution that
    both had in the same role is there once.
    """
    await transaction.fetch(LOCK_COUNTERS)
    kept, gone = await find_references(transaction, "author", [into, source])
    if kept == gone:
        raise reject(source.path, FaultCode.INVALID, "Both are the same author.")
    await transaction.fetch(_LOCK_BOOKS_OF_AUTHOR, gone)
    rows = {row["id"]: row for row in await transaction.fetch(_LOCK_AUTHORS, [kept, gone])}
    taken = (await transaction.fetch(_TAKE_LINKS, kept, gone))[0]
    if taken["book_ids"]:
        await transaction.fetch(
            _PUT_LINKS, taken["book_ids"], taken["author_ids"], taken["roles"], taken["spellings"]
        )
    key = (rows[gone][name] for name in ("slug", "source", "source_id"))
    await transaction.fetch(_REDIRECT_AUTHOR, kept, gone, *key)
    await transaction.fetch(_DELETE_AUTHOR, gone)
    return kept


async def _lock_author(
    transaction: WriteTransaction,
    reference: Reference,
    expected_version: int | None,
    *,
    with_books: bool = False,
) -> Mapping[str, Any]:
    """Lock an author, and first the books whose search documents have the name. Return the row."""
    author_id = (await find_references(transaction, "author", [reference]))[0]
    if with_books:
        await transaction.fetch(_LOCK_BOOKS_OF_AUTHOR, author_id)
    rows = await transaction.fetch(_LOCK_AUTHORS, [author_id])
    if not rows:
        raise reject(reference.path, FaultCode.NOT_FOUND, "The author was deleted meanwhile.")
    row = rows[0]
    if expected_version not in (None, row["version"]):
        fault = conflict(("expected_version",), expected_version, row["version"])
        raise WriteRejectedError([fault], current_id=row["id"])
    return row


def _parse_values(values: Mapping[str, Any]) -> dict[str, Any]:
    parsed: dict[str, Any] = {}
    faults: list[Fault] = []
    for name, value in values.items():
        parsed[name] = value
        if name in ("name", "sort_name"):
            try:
                parsed[name] = parse_literal_line(name, value or "", MAX_NAME_LENGTH)
            except FieldError as error:
                message = f"{label(name)} is {error.value[:60]!r}: {error.reason}."
                faults.append(Fault(("input", name), FaultCode.INVALID, message))
            if name == "name" and not parsed[name]:
                faults.append(Fault(("input", name), FaultCode.INVALID, "The name is blank: give a name."))
        elif value is not None and abs(value) > MAX_YEAR:
            message = f"{label(name)} is {value}: give a year from -{MAX_YEAR} to {MAX_YEAR}."
            faults.append(Fault(("input", name), FaultCode.INVALID, message))
    if faults:
        raise WriteRejectedError(faults)
    return parsed
