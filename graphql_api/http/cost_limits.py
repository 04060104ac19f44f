"""Limits of cost: what each client may ask for in a time, and what its responses say of it."""

from dataclasses import dataclass
from math import ceil
from typing import Any

from starlette.types import Scope

from graphql_api.access.buckets import Buckets
from graphql_api.access.principal import PUBLIC, Principal
from graphql_api.http.graphql_requests import joined_header
from graphql_api.http.responses import HttpError
from graphql_api.settings import Settings


@dataclass(frozen=True, slots=True)
class Charge:
    """The cost that was taken from the bucket of a client for an operation."""

    identity: str
    requested: int

    def actual(self, rows_read: int) -> int:
        """Return the cost of the rows that were read, at most what was taken."""
        return min(self.requested, rows_read)


class CostLimits:
    """A bucket of cost for each key or token, and for each address of the public.

    Each process has its own. Without COST_CAPACITY nothing is limited.
    """

    def __init__(self, settings: Settings) -> None:
        self._trusted_proxies = settings.trusted_proxies
        self._buckets = (
            Buckets(settings.cost_capacity, settings.cost_restore_rate) if settings.cost_capacity else None
        )

    def charge(self, scope: Scope, principal: Principal, requested: int) -> Charge:
        """Take the cost of an operation from its client's bucket. Raise HttpError if there is not enough."""
        if self._buckets is None:
            return Charge("", requested)
        identity = self._identity(scope, principal)
        wait = self._buckets.take(identity, requested)
        if wait:
            raise HttpError(
                429,
                f"The operation costs {requested:,}, and {self._buckets.available(identity):,} of "
                f"{self._buckets.capacity:,} are available (COST_CAPACITY): retry in {ceil(wait)} s.",
                [(b"retry-after", b"%d" % ceil(wait))],
                code="RATE_LIMITED",
                extensions={"cost": {"requested": requested, **self._report_bucket(identity)}},
            )
        return Charge(identity, requested)

    def give_back(self, charge: Charge, rows_read: int) -> None:
        """Give back what an operation has not used of its charge."""
        if self._buckets is not None:
            self._buckets.give_back(charge.identity, charge.requested - charge.actual(rows_read))

    def report(self, charge: Charge, rows_read: int) -> dict[str, Any]:
        """Return what a response says of the cost of its operation."""
        return {
            "requested": charge.requested,
            "actual": charge.actual(rows_read),
            **self._report_bucket(charge.identity),
        }

    def _report_bucket(self, identity: str) -> dict[str, Any]:
        if self._buckets is None:
            return {}
        return {
            "capacity": self._buckets.capacity,
            "available": self._buckets.available(identity),
            "restoreRate": self._buckets.restore_rate,
        }

    def _identity(self, scope: Scope, principal: Principal) -> str:
        if principal.identity != PUBLIC.identity:
            return principal.identity
        return f"address {client_address(scope, self._trusted_proxies)}"


def client_address(scope: Scope, trusted_proxies: int) -> str:
    """Return the address of a client: the one that the outermost trusted proxy has seen.

    Each proxy appends the address that it sees to X-Forwarded-For; what stands before is the client's word.
    """
    peer = scope.get("client")
    address = peer[0] if peer else ""
    if not trusted_proxies:
        return address
    forwarded = [
        part.strip() for part in joined_header(scope, b"x-forwarded-for").decode("latin-1").split(",")
    ]
    forwarded = [part for part in forwarded if part]
    return forwarded[max(0, len(forwarded) - trusted_proxies)] if forwarded else address
