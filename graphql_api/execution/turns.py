"""Turns: stock execution of much divides its work, so that other requests come to theirs."""

import asyncio
from collections.abc import Awaitable, Callable
from time import thread_time
from typing import Any

from graphql import GraphQLResolveInfo, get_named_type, is_composite_type

SECONDS = 0.01
"""How much CPU a turn of the event loop may take before what is left waits for the next one."""


class Turns:
    """Middleware of graphql-core, for one execution.

    When a turn has taken long, fields of objects, and whatever is awaited, come with a later one. What is
    between two of them is never divided: the leaves of a page. The data stay the same, but errors may come in
    another order, and the keys of loaders in more batches.
    """

    def __init__(self) -> None:
        self.began: float | None = None

    def resolve(
        self, resolve: Callable[..., Any], source: Any, info: GraphQLResolveInfo[Any], **arguments: Any
    ) -> Any:
        """What the resolver answers, or the same to be awaited."""
        value = resolve(source, info, **arguments)
        if hasattr(value, "__await__"):
            return self.awaited(value)
        if is_composite_type(get_named_type(info.return_type)) and self.is_over():
            return self.later(value)
        return value

    async def awaited(self, value: Awaitable[Any]) -> Any:
        return await self.later(await value)

    async def later(self, value: Any) -> Any:
        while self.is_over():  # noqa: ASYNC110 - a later turn is waited for, whatever happens in it
            await asyncio.sleep(0)
        return value

    def is_over(self) -> bool:
        """Whether this turn has taken long; the first who asks in a turn begins it."""
        if self.began is None:
            self.began = thread_time()
            asyncio.get_running_loop().call_soon(self.end)
            return False
        return thread_time() - self.began > SECONDS

    def end(self) -> None:
        self.began = None
