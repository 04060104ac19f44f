"""What the engine requires of a request's context."""

from typing import Protocol, Self

ColumnsRead = frozenset[tuple[type, str]]
"""A (record class, attribute) pair for each attribute that a plan reads from records."""


class PlanContext(Protocol):
    """The context of a request, which every batch resolver receives.

    A context may have two kinds of dataloaders. Those for a plan read all keys of a level when the first of
    them is awaited. Those for graphql-core collect keys over an iteration of the event loop, because
    graphql-core resolves one object at a time.
    """

    def for_plan(self, columns_read: ColumnsRead) -> Self:
        """Return a context for one run of a plan. The engine closes it."""
        ...

    def for_fallback(self) -> Self:
        """Return a context for graphql-core, after a plan with this context failed.

        It should reuse the values that this context has loaded.
        """
        ...

    async def close(self) -> None:
        """Release what `for_plan` acquired."""
        ...
