"""Lingering close: the connection is read, and what arrives is discarded, before it is closed.

Closing at once would reset the connection of a client that is still sending, and lose the response with it
(RFC 9112, 9.6).
"""

LINGERING_CLOSE_TIMEOUT = 2.0
"""After how many seconds without data the connection is closed."""


class LingeringClose:
    """When to close a connection on which nothing more is sent.

    `max_seconds` bounds it for clients that never stop sending. Times are seconds of the event loop's clock.
    """

    __slots__ = ("_closes_at", "_last_read_at")

    def __init__(self, now: float, max_seconds: float) -> None:
        self._last_read_at = now
        self._closes_at = now + max_seconds

    def record_read(self, now: float) -> None:
        self._last_read_at = now

    def has_ended(self, now: float) -> bool:
        return now >= self._closes_at or now - self._last_read_at >= LINGERING_CLOSE_TIMEOUT
