"""The log line of a request that failed because of PostgreSQL or of time."""

import asyncio
import logging

from db.connections.session import ReadSession
from db.connections.write_session import WriteSession
from graphql_api.execution.documents import Document

logger = logging.getLogger("bookstore.endpoint")

_MAX_NAME_LENGTH = 100
"""Maximum number of characters of an operation's name in the log. Clients choose the names."""


def operation_label(document: Document | None) -> str:
    """Return the name of the operation for the log; - if it has none or is not known."""
    name = document and document.operation.name
    return name.value[:_MAX_NAME_LENGTH] if name else "-"


class RunningOperation:
    """What a request runs, so that a failure can be logged by name. `document` is None until it is known."""

    __slots__ = ("document", "session")

    def __init__(self, session: ReadSession) -> None:
        self.session: ReadSession | WriteSession = session
        self.document: Document | None = None

    def log_failure(self, reason: Exception, received_at: float) -> None:
        """Log the operation, the statement that failed or was running, and the milliseconds of both.

        The operation's milliseconds count from `received_at`, a time of the event loop. The line has neither
        SQL nor values. RequestIdFilter adds the request's id.
        """
        statement = self.session.failed_statement()
        logger.warning(
            "operation %s failed after %d ms; %s: %s",
            operation_label(self.document),
            (asyncio.get_running_loop().time() - received_at) * 1000,
            f"statement {statement.name}, {statement.milliseconds:.0f} ms" if statement else "no statement",
            reason,
        )
