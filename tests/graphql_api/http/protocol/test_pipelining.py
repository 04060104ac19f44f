"""The pipeline of a connection."""

from graphql_api.http.protocol.pipelining import MAX_PIPELINED, Pipeline
from graphql_api.http.protocol.requests import Request


def test_requests_are_taken_in_order() -> None:
    pipeline, requests = Pipeline(), [Request() for _ in range(3)]
    for request in requests:
        pipeline.add(request)

    taken = [pipeline.take() for _ in range(4)]

    assert taken == [*requests, None]
    assert (pipeline.is_closed, pipeline.is_exhausted) == (False, False)


def test_a_request_above_the_limit_is_dropped_and_closes_the_pipeline() -> None:
    pipeline = Pipeline()
    for _ in range(MAX_PIPELINED):
        pipeline.add(Request())
    was_closed = pipeline.is_closed

    pipeline.add(Request())

    assert (was_closed, pipeline.is_closed, pipeline.is_exhausted) == (False, True, False)
    assert len(pipeline) == MAX_PIPELINED


def test_a_closed_pipeline_is_exhausted_when_its_last_request_is_taken() -> None:
    pipeline = Pipeline()
    pipeline.add(Request())
    pipeline.close()

    before = pipeline.is_exhausted
    pipeline.take()

    assert (before, pipeline.is_exhausted) == (False, True)


def test_a_cleared_pipeline_is_exhausted() -> None:
    pipeline = Pipeline()
    pipeline.add(Request())

    pipeline.clear()

    assert (len(pipeline), pipeline.is_exhausted) == (0, True)
