"""Fields whose resolver answers with a record of `db`, which the GraphQL type then reads."""

from collections.abc import Callable
from typing import Any

import strawberry


def resolved_by(resolver: Callable[..., Any], description: str) -> Any:
    """A field of the annotated GraphQL type; the resolver's own annotation names the record behind it."""
    return strawberry.field(resolver=resolver, description=description)
