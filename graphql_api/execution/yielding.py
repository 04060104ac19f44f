"""Yielding: graphql-core yields to the event loop during large operations, so other requests can proceed."""

import asyncio
from collections.abc import Awaitable, Callable
from time import thread_time
from typing import Any

from graphql import GraphQLResolveInfo, get_named_type, is_composite_type

TIME_SLICE = 0.01
"""Maximum CPU time per iteration of the event loop, in seconds, before execution yields."""


class YieldingMiddleware:
    """Middleware of graphql-core, for one execution.

    Once the time slice is used up, object fields and awaited values are resolved in a later iteration of the
    event loop. Runs of leaf fields, such as the leaves of a page, are not interrupted. The data stay the
    same, but errors may come in another order, and loader keys in more batches.
    """

    def __init__(self) -> None:
        self._slice_started_at: float | None = None

    def resolve(
        self, resolve: Callable[..., Any], source: Any, info: GraphQLResolveInfo[Any], /, **arguments: Any
    ) -> Any:
        """Return the resolver's value, or an awaitable of it. An argument may have any name."""
        value = resolve(source, info, **arguments)
        if hasattr(value, "__await__"):
            return self._await_value(value)
        if is_composite_type(get_named_type(info.return_type)) and self._slice_expired():
            return self._yield_if_expired(value)
        return value

    async def _await_value(self, value: Awaitable[Any]) -> Any:
        return await self._yield_if_expired(await value)

    async def _yield_if_expired(self, value: Any) -> Any:
        while self._slice_expired():  # noqa: ASYNC110 - waits for an iteration of the event loop, not for an event
            await asyncio.sleep(0)
        return value

    def _slice_expired(self) -> bool:
        """Return whether the time slice is used up. The first call of an iteration starts the slice."""
        if self._slice_started_at is None:
            self._slice_started_at = thread_time()
            asyncio.get_running_loop().call_soon(self._end_slice)
            return False
        return thread_time() - self._slice_started_at > TIME_SLICE

    def _end_slice(self) -> None:
        self._slice_started_at = None
