"""Admission: which requests run, which are queued and which are rejected."""

import asyncio

import pytest

from graphql_api.http.admission import MOMENT, Admission
from graphql_api.http.responses import HttpError


class RequestGroup:
    """Requests that run until `finish` is called."""

    def __init__(self, admission: Admission) -> None:
        self.admission = admission
        self.finished = asyncio.Event()
        self.tasks: list[asyncio.Task[None]] = []

    async def start(self, count: int) -> int:
        """Start `count` requests and return how many are rejected."""

        async def run_request() -> None:
            async with self.admission:
                await self.finished.wait()

        new_tasks = [asyncio.create_task(run_request()) for _ in range(count)]
        await asyncio.sleep(0)
        self.tasks += new_tasks
        return sum(task.done() and isinstance(task.exception(), HttpError) for task in new_tasks)

    async def finish(self) -> None:
        self.finished.set()
        await asyncio.gather(*self.tasks, return_exceptions=True)


async def test_a_queue_that_does_not_drain_is_shortened() -> None:
    loop, admission = asyncio.get_running_loop(), Admission(2, 16)
    requests = RequestGroup(admission)

    rejected_at_first = await requests.start(2 + 16 + 3)
    admission.stands_since -= MOMENT + 1
    rejected_by_short_queue = await requests.start(1)
    for task in [task for task in requests.tasks if not task.done()][3:]:
        task.cancel()
    await asyncio.sleep(0)
    state_with_short_queue = len(admission.line), admission.has_room(loop), await requests.start(2)
    await requests.finish()
    later_requests = RequestGroup(admission)
    rejected_after_draining = await later_requests.start(2 + 16 + 3)
    await later_requests.finish()

    assert (rejected_at_first, rejected_by_short_queue) == (3, 1)
    assert state_with_short_queue == (1, True, 1)
    assert rejected_after_draining == 3
    assert (admission.admitted, len(admission.line)) == (0, 0)


@pytest.mark.parametrize("reserved", range(5))
async def test_reserved_requests_count_towards_the_capacity(reserved: int) -> None:
    loop, admission = asyncio.get_running_loop(), Admission(2, 2)
    for _ in range(reserved):
        admission.expect(loop)

    assert admission.has_room(loop) == (reserved < 4)

    await asyncio.sleep(0)
    assert admission.has_room(loop)
