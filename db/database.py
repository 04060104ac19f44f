"""The database as a read sees it."""

from typing import Any, Protocol


class Database(Protocol):
    """What a read needs: a session, a pool, or one connection."""

    async def fetch(self, query: str, *args: object, record_class: Any = None) -> list[Any]:
        """Run one statement and return its rows as instances of `record_class`."""
        ...


PLANNED_ANEW = "planned anew"
"""Marks, in the comment of a statement, that its plan depends on its values and is made for each run."""
