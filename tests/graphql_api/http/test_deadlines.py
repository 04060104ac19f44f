"""Deadlines of requests, without a server."""

import asyncio
from typing import Any

import pytest

from graphql_api.http.deadlines import (
    DISCONNECTED_EXTENSION,
    RECEIVED_EXTENSION,
    DeadlineMonitor,
    RequestDeadline,
)
from graphql_api.http.graphql_requests import ClientDisconnectedError
from graphql_api.http.responses import HttpError
from tests.waiting import until

EXPIRED = {
    "message": "The request took longer than 3600 seconds (REQUEST_TIMEOUT).",
    "extensions": {"code": "TIMEOUT"},
}


def scope_of(**extensions: Any) -> dict[str, Any]:
    names = {"received_at": RECEIVED_EXTENSION, "is_disconnected": DISCONNECTED_EXTENSION}
    return {"extensions": {names[name]: value for name, value in extensions.items()}}


async def wait_forever(scope: dict[str, Any], monitor: DeadlineMonitor) -> None:
    with RequestDeadline(scope, monitor):
        await asyncio.Event().wait()


async def test_a_request_is_cancelled_at_its_deadline() -> None:
    monitor = DeadlineMonitor(3600)
    almost_expired = asyncio.get_running_loop().time() - 3600 + 0.05

    with pytest.raises(HttpError) as caught:
        await wait_forever(scope_of(received_at=almost_expired), monitor)

    assert (caught.value.status, caught.value.error) == (503, EXPIRED)
    assert monitor.active == set()


async def test_a_request_whose_deadline_passed_in_the_queue_does_not_start() -> None:
    monitor, has_begun = DeadlineMonitor(3600), False

    scope = scope_of(received_at=asyncio.get_running_loop().time() - 3600)
    with pytest.raises(HttpError) as caught, RequestDeadline(scope, monitor):
        has_begun = True

    assert (caught.value.error, has_begun) == (EXPIRED, False)
    assert monitor.active == set()


async def test_a_request_is_cancelled_when_its_client_disconnects() -> None:
    disconnected = False
    scope = scope_of(is_disconnected=lambda: disconnected)
    task = asyncio.create_task(wait_forever(scope, DeadlineMonitor(3600)))
    await asyncio.sleep(0)

    disconnected = True

    with pytest.raises(ClientDisconnectedError):
        await task


async def test_an_external_cancellation_is_not_swallowed() -> None:
    task = asyncio.create_task(wait_forever({}, DeadlineMonitor(3600)))
    await asyncio.sleep(0)

    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_the_monitor_has_no_timer_when_no_request_is_active() -> None:
    monitor = DeadlineMonitor(0.01)
    with pytest.raises(HttpError):
        await wait_forever({}, monitor)

    await until(lambda: monitor.timer is None)

    with pytest.raises(HttpError):
        await wait_forever({}, monitor)
