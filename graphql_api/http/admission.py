"""Admission: so many requests are worked on at once, and further ones are told so at once."""

from types import TracebackType

from graphql_api.http.answers import Refusal, unavailable


class Admission:
    """A context that a request is worked on in."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.admitted = 0

    @property
    def is_full(self) -> bool:
        return self.admitted >= self.most

    @property
    def refusal(self) -> Refusal:
        return unavailable(f"{self.most:,} requests are being answered already (MAX_REQUESTS).")

    def __enter__(self) -> None:
        """Raises Refusal if there is no room now."""
        if self.is_full:
            raise self.refusal
        self.admitted += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.admitted -= 1
