"""What a write needs of its transaction."""

from typing import Any, Protocol

from db.statements import ReadStatement, WriteStatement


class WriteTransaction(Protocol):
    """A transaction in which statements write and read what was written."""

    async def fetch(
        self, statement: ReadStatement | WriteStatement, /, *args: object, record_class: Any = None
    ) -> list[Any]:
        """Run one statement and return its rows."""
        ...


LOCK_COUNTERS = WriteStatement(
    "lock_counters",
    """
SELECT FROM catalog_size FOR NO KEY UPDATE
""",
)
"""Taken first by a write that adds or removes books, links, authors, categories or series, or renames an
author or a category. See the order of locks in migration 0016.
"""
