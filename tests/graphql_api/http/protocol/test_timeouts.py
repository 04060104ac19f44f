"""Timeouts of connections, at given times."""

import asyncio

import pytest

from graphql_api.http.protocol import timeouts
from graphql_api.http.protocol.lingering_close import LINGERING_CLOSE_TIMEOUT, LingeringClose
from graphql_api.http.protocol.timeouts import ConnectionTimeouts, TimeoutMonitor
from tests.waiting import until


def test_the_read_timeout_starts_with_the_connection() -> None:
    expected = ConnectionTimeouts(10, 5, now=100)

    assert [expected.is_read_expired(now) for now in (100, 109.9, 110)] == [False, False, True]


def test_the_keep_alive_timeout_applies_between_requests() -> None:
    connection = ConnectionTimeouts(10, 5, now=0)
    connection.read_started_at = None
    running = connection.is_keep_alive_expired(1_000, unsent=0)
    connection.idle_since = 1_000.0

    assert not running
    assert not connection.is_read_expired(1_100)
    assert [connection.is_keep_alive_expired(now, unsent=0) for now in (1_004.9, 1_005)] == [False, True]


def test_a_connection_is_not_idle_while_a_request_arrives_or_a_response_is_unsent() -> None:
    connection = ConnectionTimeouts(10, 5, now=0)
    connection.idle_since = 0.0
    reading = connection.is_keep_alive_expired(100, unsent=0)
    connection.read_started_at = None
    writing = connection.is_keep_alive_expired(100, unsent=1)

    assert (reading, writing) == (False, False)
    assert connection.is_keep_alive_expired(100, unsent=0)


def test_the_write_timeout_passes_if_the_client_reads_nothing() -> None:
    connection = ConnectionTimeouts(10, 5, now=0)
    seen = [(0, 0), (50, 800), (59, 700), (68.9, 700), (69, 700)]

    assert [connection.is_write_expired(now, unsent) for now, unsent in seen] == [False] * 4 + [True]


def test_the_write_timeout_restarts_whenever_the_client_reads() -> None:
    connection = ConnectionTimeouts(10, 5, now=0)

    assert not any(connection.is_write_expired(now, 1_000 - now) for now in range(0, 1_000, 9))


def test_a_lingering_close_ends_if_the_client_is_silent_or_keeps_sending() -> None:
    silent, sending = LingeringClose(0, max_seconds=10), LingeringClose(0, max_seconds=10)
    ended: list[bool] = []
    for now in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10):
        sending.record_read(now)
        ended.append(sending.has_ended(now))

    assert not silent.has_ended(LINGERING_CLOSE_TIMEOUT - 0.1)
    assert silent.has_ended(LINGERING_CLOSE_TIMEOUT)
    assert ended == [False] * 9 + [True]


class Connection:
    """A connection that is closed at its third check."""

    def __init__(self, connections: set["Connection"]) -> None:
        self.connections = connections
        self.checks = list[float]()
        connections.add(self)

    def check_timeouts(self, now: float) -> None:
        self.checks.append(now)
        if len(self.checks) == 3:
            self.connections.discard(self)


async def test_one_timer_checks_all_connections_while_there_are_any(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timeouts, "TIMEOUT_CHECK_INTERVAL", 0.001)
    loop, monitor, connections = asyncio.get_running_loop(), TimeoutMonitor(), set[Connection]()

    first, second = Connection(connections), Connection(connections)
    monitor.watch(connections, loop)
    monitor.watch(connections, loop)
    await until(lambda: not connections)
    third = Connection(connections)
    monitor.watch(connections, loop)
    await until(lambda: not connections)

    assert first.checks == second.checks
    assert (len(first.checks), len(third.checks)) == (3, 3)
