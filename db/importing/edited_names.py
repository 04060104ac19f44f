"""Keep names of authors and categories that were edited by hand."""

import asyncpg

from db.importing.options import EDITOR, ImportOptions
from db.importing.ownership import KeptField

_KEEP_EDITED_AUTHORS = """
/* keep_edited_authors */
UPDATE target_author t
SET name = a.name, sort_name = a.sort_name, birth_year = a.birth_year, death_year = a.death_year
FROM author a
WHERE a.id = t.id AND a.edited_at IS NOT NULL
  AND (a.name, a.sort_name, a.birth_year, a.death_year)
      IS DISTINCT FROM (t.name, t.sort_name, t.birth_year, t.death_year)
"""

_KEEP_EDITED_CATEGORIES = """
/* keep_edited_categories */
UPDATE target_category t SET name = c.name
FROM category c
WHERE c.id = t.id AND c.edited_at IS NOT NULL AND c.name <> t.name
"""


async def keep_edited_names(connection: asyncpg.Connection, options: ImportOptions) -> list[KeptField]:
    """Give edited authors and categories their present names in the target tables. Return what they keep."""
    if options.overwrite_edits:
        return []
    kept = [
        KeptField("name", EDITOR, int((await connection.execute(statement)).rpartition(" ")[2]), items)
        for statement, items in ((_KEEP_EDITED_AUTHORS, "authors"), (_KEEP_EDITED_CATEGORIES, "categories"))
    ]
    return [each for each in kept if each.books]
