"""Answers on the wire, and the refusals that need no operation."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from graphql import GraphQLError
from starlette.types import Send

from graphql_api.http.media_types import LEGACY

Header = tuple[bytes, bytes]

# An answer is never to be taken for anything else, and depends on what the client takes.
ALWAYS: list[Header] = [(b"x-content-type-options", b"nosniff"), (b"vary", b"accept, accept-encoding")]


@dataclass(slots=True)
class Answer:
    """A status, a body of a media type, and further headers."""

    body: bytes
    status: int = 200
    media_type: bytes = LEGACY
    headers: Sequence[Header] = field(default=())

    def all_headers(self) -> list[Header]:
        if self.status == 204:  # an answer without content tells nothing of it
            return [*ALWAYS, *self.headers]
        length = b"%d" % len(self.body)
        return [(b"content-type", self.media_type), (b"content-length", length), *ALWAYS, *self.headers]

    async def send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status, "headers": self.all_headers()})
        await send({"type": "http.response.body", "body": self.body})


class Refusal(Exception):
    """The request is refused; `error` says why, as the client is shown it.

    Make one for each request: an exception that is raised again keeps the frames of all the times before.
    """

    def __init__(
        self,
        status: int,
        message: str,
        headers: Sequence[Header] = (),
        *,
        code: str = "BAD_REQUEST",
        extensions: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers
        self.error = {"message": message, "extensions": {"code": code, **(extensions or {})}}

    @classmethod
    def of(cls, error: GraphQLError) -> "Refusal":
        """A refusal as a GraphQL error tells of it."""
        refusal = cls(400, error.message)
        refusal.error["extensions"] = dict(error.extensions or {})
        return refusal

    def answer(self, media_type: bytes) -> Answer:
        return Answer(orjson.dumps({"errors": [self.error]}), self.status, media_type, self.headers)


RETRY: Sequence[Header] = [(b"retry-after", b"1")]


def unavailable(message: str, code: str = "SERVICE_UNAVAILABLE") -> Refusal:
    """A 503 that asks the client to come again in a second."""
    return Refusal(503, message, RETRY, code=code)
