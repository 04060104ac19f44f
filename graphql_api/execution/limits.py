"""Limits on what a document may hold, and the error that names the one it exceeds."""

from dataclasses import dataclass
from typing import Any

from graphql import GraphQLError


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The most of each thing. Depth, fields, aliases and directives are those with all fragments spread."""

    source: int = 50_000
    tokens: int = 2_000
    depth: int = 12
    fields: int = 500
    aliases: int = 30
    directives: int = 50
    directives_in_place: int = 5
    operations: int = 10
    fragments: int = 50
    variables: int = 100
    list: int = 250
    page: int = 100
    comparisons: int = 10_000
    cost: int = 10_000
    values: int = 100_000


LIMITS = Limits()


class LimitExceeded(Exception):
    """The document or its variables exceed a limit; `error` says which, as the client is shown it."""

    def __init__(self, setting: str, allowed: int, found: str, code: str = "LIMIT_EXCEEDED") -> None:
        message = f"{found}; at most {allowed:,} are allowed ({setting})."
        super().__init__(message)
        extensions: dict[str, Any] = {"code": code, "limit": setting, "allowed": allowed}
        self.error = GraphQLError(message, extensions=extensions)
