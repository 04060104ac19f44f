"""The log line of a request that failed because of PostgreSQL or of time."""

import asyncio
import logging

from db.connections.session import ReadSession
from graphql_api.execution.documents import Document

logger = logging.getLogger("bookstore.endpoint")

_MAX_NAME_LENGTH = 100
"""Maximum number of characters of an operation's name in the log. Clients choose the names."""


class RunningOperation:
    """What a request runs, so that a failure can be logged by name. `document` is None until it is known."""

    __slots__ = ("_loop", "_started", "document", "session")

    def __init__(self, session: ReadSession) -> None:
        self.session = session
        self.document: Document | None = None
        self._loop = asyncio.get_running_loop()
        self._started = self._loop.time()

    def log_failure(self, reason: Exception) -> None:
        """Log the operation, the statement that failed or was running, and the milliseconds of both.

        The line has neither SQL nor values. RequestIdFilter adds the request's id.
        """
        node = self.document and self.document.operation.name
        now = self._loop.time()
        statement = self.session.failed_statement()
        logger.warning(
            "operation %s failed after %d ms; %s: %s",
            node.value[:_MAX_NAME_LENGTH] if node else "-",
            (now - self._started) * 1000,
            f"statement {statement.name}, {statement.milliseconds:.0f} ms" if statement else "no statement",
            reason,
        )
