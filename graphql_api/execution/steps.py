"""The steps of a mutation: its root fields, which run one after the other and once each."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Steps:
    """The steps that have run, with their values or errors.

    When a plan fails, graphql-core runs the operation again: it gets what the steps have returned, in their
    order, and runs those that have not run yet.
    """

    outcomes: list[tuple[Any, Exception | None]] = field(default_factory=list[tuple[Any, "Exception | None"]])
    position: int = 0

    async def run(self, step: Callable[[], Awaitable[Any]]) -> Any:
        """Return the value of the next step, or raise its error."""
        if self.position == len(self.outcomes):
            self.outcomes.append(await _run(step))
        value, error = self.outcomes[self.position]
        self.position += 1
        if error:
            raise error
        return value

    def from_start(self) -> "Steps":
        """Return the same steps for another executor."""
        return Steps(self.outcomes)


async def _run(step: Callable[[], Awaitable[Any]]) -> tuple[Any, Exception | None]:
    try:
        return await step(), None
    except Exception as error:
        return None, error
