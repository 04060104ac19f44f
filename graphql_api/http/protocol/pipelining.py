"""Pipelining: requests that arrive while an earlier one is being answered."""

from collections import deque

from graphql_api.http.protocol.requests import Request

MAX_PIPELINED = 16
"""How many requests may wait behind the one that is being answered. The connection closes after these."""


class Pipeline:
    """The requests of a connection that are still to be answered, in their order.

    Once `is_closed`, no more are accepted, and the connection closes after the last response.
    """

    __slots__ = ("_requests", "is_closed")

    def __init__(self) -> None:
        self._requests: deque[Request] = deque()
        self.is_closed = False

    def __len__(self) -> int:
        return len(self._requests)

    @property
    def is_exhausted(self) -> bool:
        """Whether no request waits and none will."""
        return self.is_closed and not self._requests

    def add(self, request: Request) -> None:
        """Queue a request. One too many is dropped, and closes the pipeline."""
        if len(self._requests) < MAX_PIPELINED:
            self._requests.append(request)
        else:
            self.is_closed = True

    def take(self) -> Request | None:
        return self._requests.popleft() if self._requests else None

    def close(self) -> None:
        """Accept no more requests."""
        self.is_closed = True

    def clear(self) -> None:
        """Drop all requests: the client has disconnected."""
        self._requests.clear()
        self.is_closed = True
