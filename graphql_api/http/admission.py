"""Admission: so many requests are worked on at once, and further ones are told so at once."""

from types import TracebackType

from graphql_api.http.answers import unavailable


class Admission:
    """A context that a request is worked on in."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.admitted = 0

    def require_room(self) -> None:
        """Raise Refusal if there is no room now."""
        if self.admitted >= self.most:
            raise unavailable(f"{self.most:,} requests are being answered already (MAX_REQUESTS).")

    def __enter__(self) -> None:
        self.require_room()
        self.admitted += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.admitted -= 1
