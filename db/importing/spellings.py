"""Choose the spelling in which each author and category is shown: that of most books."""

import asyncpg

from db.importing.author_spellings import (
    choose_author_spellings,
    find_author_spellings,
    write_author_spellings,
)
from db.importing.category_spellings import find_category_spellings, write_category_spellings
from db.importing.category_votes import choose_category_spellings

_DEFER_SPELLINGS = """
/* defer_spellings */
SET LOCAL bookstore.defer_spellings = 'on'
"""


async def find_spellings(connection: asyncpg.Connection) -> None:
    """Number the spellings of the feed. `target_author` and `target_category` hold the shown names afterwards."""
    await find_author_spellings(connection)
    await find_category_spellings(connection)


async def choose_spellings(connection: asyncpg.Connection) -> None:
    """Set the names that authors and categories have after the import, and disable the triggers that do so."""
    await connection.execute(_DEFER_SPELLINGS)
    await choose_author_spellings(connection)
    await choose_category_spellings(connection)


async def write_spellings(connection: asyncpg.Connection) -> None:
    """Write the spellings. The authors, categories and links must have been written."""
    await write_author_spellings(connection)
    await write_category_spellings(connection)
