"""Admission control: requests run, wait, or are rejected."""

import pytest

from graphql_api.http.admission import BURST_SECONDS, Admission


class Request:
    """A request that records that it was started."""

    def __init__(self) -> None:
        self.is_started = False

    def start(self) -> None:
        self.is_started = True


def admit_requests(admission: Admission, count: int, now: float = 0.0) -> list[Request]:
    """Admit up to `count` requests, as long as there is capacity."""
    requests: list[Request] = []
    while len(requests) < count and admission.has_capacity(now):
        requests.append(Request())
        admission.admit(requests[-1], now)
    return requests


def test_requests_beyond_the_limits_are_rejected() -> None:
    admission = Admission(2, 3)

    requests = admit_requests(admission, 10)

    assert [request.is_started for request in requests] == [True, True, False, False, False]
    assert (admission.running, len(admission.waiters)) == (2, 3)


def test_waiters_start_in_order() -> None:
    admission = Admission(1, 3)
    requests = admit_requests(admission, 4)

    started = []
    for _ in range(3):
        admission.release()
        started.append([request.is_started for request in requests].count(True))
    admission.release()

    assert started == [2, 3, 4]
    assert (admission.running, len(admission.waiters)) == (0, 0)


def test_withdrawing_a_waiter_frees_its_place_in_the_queue() -> None:
    admission = Admission(1, 2)
    _, second, third = admit_requests(admission, 3)

    admission.withdraw(second)
    has_capacity = admission.has_capacity(0.0)
    admission.release()

    assert has_capacity
    assert (second.is_started, third.is_started) == (False, True)


def test_withdrawing_a_running_request_changes_nothing() -> None:
    admission = Admission(1, 1)
    running, waiting = admit_requests(admission, 2)

    admission.withdraw(running)

    assert (admission.running, list(admission.waiters)) == (1, [waiting])


def test_the_queue_limit_is_lowered_until_the_queue_has_been_empty() -> None:
    admission = Admission(2, 16)

    in_a_burst = admit_requests(admission, 100, now=10.0)
    soon = admission.has_capacity(10.0 + BURST_SECONDS)
    for _ in range(15):
        admission.release()
    later = 10.1 + BURST_SECONDS
    under_load = admit_requests(admission, 100, later)
    while admission.waiters:
        admission.release()
    in_the_next_burst = admit_requests(admission, 100, later)

    assert (len(in_a_burst), soon) == (2 + 16, False)
    assert len(under_load) == 16 / 8 - 1
    assert len(in_the_next_burst) == 16


@pytest.mark.parametrize(("running", "has_capacity"), [(0, True), (1, True), (2, False)])
def test_without_a_queue_only_running_requests_count(running: int, has_capacity: bool) -> None:
    admission = Admission(2, 0)
    admit_requests(admission, running)

    assert admission.has_capacity(0.0) is has_capacity


def test_the_error_names_the_limits() -> None:
    error = Admission(1_000, 0).overload_error()

    assert (error.status, list(error.headers)) == (503, [(b"retry-after", b"1")])
    assert error.error == {
        "message": "The server is overloaded: 1,000 requests are running (MAX_CONCURRENT_REQUESTS) "
        "and the queue is full (MAX_QUEUED_REQUESTS). Retry later.",
        "extensions": {"code": "SERVICE_UNAVAILABLE"},
    }
