"""Authors and categories that a write names by an id, a slug or a path."""

from collections.abc import Sequence
from dataclasses import dataclass

from db.statements import WriteStatement
from db.writes.faults import Fault, FaultCode, FaultPath, WriteRejectedError
from db.writes.session import WriteTransaction


@dataclass(frozen=True, slots=True)
class Reference:
    """An author by id or slug, or a category by id or path. `path` leads to it in the input.

    `invalid` says why it is none.
    """

    path: FaultPath
    id: int | None = None
    name: str | None = None
    invalid: str = ""


_STATEMENTS = {
    "author": WriteStatement(
        "referenced_authors",
        """
SELECT u.n::integer AS place, coalesce(a.id, k.id, r.author_id, m.author_id) AS id
FROM unnest($1::bigint[], $2::text[]) WITH ORDINALITY AS u (id, name, n)
LEFT JOIN author AS a ON a.id = u.id
LEFT JOIN author AS k ON k.slug = u.name
LEFT JOIN author_redirect AS r ON r.slug = u.name
LEFT JOIN author_merge AS m ON m.old_id = u.id
ORDER BY u.n
""",
    ),
    "category": WriteStatement(
        "referenced_categories",
        """
SELECT u.n::integer AS place, coalesce(c.id, k.id, r.category_id) AS id
FROM unnest($1::bigint[], $2::text[]) WITH ORDINALITY AS u (id, name, n)
LEFT JOIN category AS c ON c.id = u.id
LEFT JOIN category AS k ON k.path = u.name
LEFT JOIN category_redirect AS r ON r.path = u.name
ORDER BY u.n
""",
    ),
}


async def find_references(
    transaction: WriteTransaction, table: str, references: Sequence[Reference]
) -> list[int]:
    """Return the ids of the authors or categories, old keys included.

    Raises WriteRejectedError for each one that does not exist.
    """
    if not references:
        return []
    rows = await transaction.fetch(
        _STATEMENTS[table], [each.id for each in references], [each.name for each in references]
    )
    faults = [
        Fault(each.path, FaultCode.INVALID, each.invalid)
        if each.invalid
        else Fault(each.path, FaultCode.NOT_FOUND, f"No {table} has {_describe(table, each)}.")
        for each, row in zip(references, rows, strict=True)
        if row["id"] is None
    ]
    if faults:
        raise WriteRejectedError(faults)
    return [row["id"] for row in rows]


def _describe(table: str, reference: Reference) -> str:
    key = "slug" if table == "author" else "path"
    return "this id" if reference.name is None else f"the {key} {reference.name[:100]!r}"
