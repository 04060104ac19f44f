"""Backpressure: reading of rejected connections resumes in batches."""

import asyncio

from graphql_api.http.backpressure import RESUME_BATCH, ReadThrottle
from tests.waiting import until


class Connection:
    """A connection that records the iteration of the event loop in which its reading resumed."""

    def __init__(self, resumed: list["Connection"]) -> None:
        self.is_paused = False
        self.resumed = resumed

    def pause_reading(self) -> None:
        self.is_paused = True

    def resume_reading(self) -> None:
        self.is_paused = False
        self.resumed.append(self)


async def test_connections_are_resumed_in_order_and_in_batches() -> None:
    loop, throttle, resumed = asyncio.get_running_loop(), ReadThrottle(), list[Connection]()
    connections = [Connection(resumed) for _ in range(2 * RESUME_BATCH + 1)]
    batches = set[int]()

    for connection in connections:
        throttle.throttle(connection, loop)
    paused = sum(connection.is_paused for connection in connections)
    while len(resumed) < len(connections):
        batches.add(len(resumed))
        await asyncio.sleep(0)

    assert paused == len(connections)
    assert resumed == connections
    assert batches == {0, RESUME_BATCH, 2 * RESUME_BATCH}


async def test_a_connection_throttled_after_all_others_were_resumed_is_resumed() -> None:
    loop, throttle, resumed = asyncio.get_running_loop(), ReadThrottle(), list[Connection]()

    for _ in range(2):
        throttle.throttle(Connection(resumed), loop)
        count = len(resumed) + 1
        await until(lambda expected=count: len(resumed) == expected)

    assert len(resumed) == 2
