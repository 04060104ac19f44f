"""Who is let in, who waits in line, and who is turned away."""

import asyncio

import pytest

from graphql_api.http.admission import MOMENT, Admission
from graphql_api.http.answers import Refusal


class Crowd:
    """Requests that come and stay until they are told to go."""

    def __init__(self, admission: Admission) -> None:
        self.admission = admission
        self.go = asyncio.Event()
        self.tasks: list[asyncio.Task[None]] = []

    async def come(self, many: int) -> int:
        """So many come; how many of them are turned away."""

        async def stay() -> None:
            async with self.admission:
                await self.go.wait()

        came = [asyncio.create_task(stay()) for _ in range(many)]
        await asyncio.sleep(0)
        self.tasks += came
        return sum(task.done() and isinstance(task.exception(), Refusal) for task in came)

    async def leave(self) -> None:
        self.go.set()
        await asyncio.gather(*self.tasks, return_exceptions=True)


async def test_a_line_that_stands_for_long_is_kept_short() -> None:
    loop, admission = asyncio.get_running_loop(), Admission(2, 16)
    crowd = Crowd(admission)

    at_first = await crowd.come(2 + 16 + 3)
    admission.stands_since -= MOMENT + 1
    stood = await crowd.come(1)
    for task in [task for task in crowd.tasks if not task.done()][3:]:
        task.cancel()
    await asyncio.sleep(0)
    shortened = len(admission.line), admission.has_room(loop), await crowd.come(2)
    await crowd.leave()
    later = Crowd(admission)
    emptied = await later.come(2 + 16 + 3)
    await later.leave()

    assert (at_first, stood) == (3, 1)
    assert shortened == (1, True, 1)
    assert emptied == 3
    assert (admission.admitted, len(admission.line)) == (0, 0)


@pytest.mark.parametrize("expected", range(5))
async def test_room_is_kept_for_those_that_are_expected(expected: int) -> None:
    loop, admission = asyncio.get_running_loop(), Admission(2, 2)
    for _ in range(expected):
        admission.expect(loop)

    assert admission.has_room(loop) == (expected < 4)

    await asyncio.sleep(0)
    assert admission.has_room(loop)
