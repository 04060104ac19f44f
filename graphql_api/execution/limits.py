"""Limits on a document and its variables, and the error that names the exceeded limit."""

from dataclasses import dataclass, fields
from typing import Any

from graphql import GraphQLError, Node, Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The maximum of each measure.

    Depth, fields, aliases and directives are counted per operation with all fragments expanded.
    """

    document_length: int = 50_000
    tokens: int = 2_000
    depth: int = 12
    fields: int = 500
    aliases: int = 30
    directives: int = 50
    directives_per_location: int = 5
    operations: int = 10
    fragments: int = 50
    variables: int = 100
    list_argument: int = 1_000
    comparisons: int = 10_000
    cost: int = 10_000
    response_values: int = 100_000

    def enlarge_sizes(self, factor: int) -> "Limits":
        """Return limits with `factor` times the sizes of a document. Limits of cost remain."""
        sizes = {entry.name: factor * getattr(self, entry.name) for entry in fields(self)}
        return Limits(**{**sizes, "cost": self.cost, "response_values": self.response_values})


LIMITS = Limits()


class LimitExceededError(Exception):
    """The document or its variables exceed a limit; `error` is the GraphQLError for the client.

    Its location is that of `node`, or the `position` in the document: a source and an offset in characters.
    """

    def __init__(
        self,
        setting: str,
        allowed: int,
        problem: str,
        *,
        code: str = "LIMIT_EXCEEDED",
        node: Node | None = None,
        position: tuple[Source, int] | None = None,
    ) -> None:
        message = f"{problem}; at most {allowed:,} are allowed ({setting})."
        super().__init__(message)
        extensions: dict[str, Any] = {"code": code, "limit": setting, "allowed": allowed}
        source, positions = (position[0], [position[1]]) if position else (None, None)
        self.error = GraphQLError(message, node, source, positions, extensions=extensions)
