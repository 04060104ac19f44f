"""The client of a request: its name and its role."""

from dataclasses import dataclass

from graphql_api.access.roles import Role


@dataclass(frozen=True, slots=True)
class Principal:
    """The client of a request.

    - `name` is the name of its key, or the subject of its token; it is shown in the audit trail.
    - `identity` tells it from other clients. Requests of one identity share limits and idempotency keys.
    """

    name: str
    role: Role
    identity: str


PUBLIC = Principal("public", Role.PUBLIC, "public")
"""A client without a key."""
