"""Uploads: requests with a body above MAX_BODY_BYTES, which a request with a credential may have."""

from weakref import WeakSet

from graphql_api.http.graphql_requests import SizeLimit
from graphql_api.http.protocol.requests import Request

MAX_UPLOADS = 20
"""Maximum number of uploads that a process holds at once.

A credential is checked when its request is complete, so anybody can send uploads; this limits their memory.
"""


class Uploads:
    """The uploads of a process, from the byte that exceeds MAX_BODY_BYTES until the request is dropped."""

    def __init__(self, max_bytes: int) -> None:
        self.limit = SizeLimit("MAX_UPLOAD_BYTES", max_bytes)
        self._requests: WeakSet[Request] = WeakSet()

    def admit(self, request: Request) -> bool:
        """Return whether the body of a request may go on. One that was admitted stays so."""
        if request not in self._requests:
            if len(self._requests) >= MAX_UPLOADS:
                return False
            self._requests.add(request)
        return True
