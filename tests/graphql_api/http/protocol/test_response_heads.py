"""Heads of responses as bytes."""

import pytest

from graphql_api.http.admission import Admission
from graphql_api.http.protocol.overload import OverloadResponse
from graphql_api.http.protocol.response_heads import encode_head


def test_a_head_is_encoded_in_the_order_of_its_headers() -> None:
    headers = [(b"content-length", b"0"), (b"x-request-id", b"a")]

    assert (
        encode_head(204, headers)
        == b"HTTP/1.1 204 No Content\r\ncontent-length: 0\r\nx-request-id: a\r\n\r\n"
    )
    assert encode_head(299, []) == b"HTTP/1.1 299 \r\n\r\n"


@pytest.mark.parametrize("value", [b"a\r\nb: c", b"a\nb", b"a\rb", b"a\0"])
def test_a_header_with_a_line_break_or_nul_byte_is_rejected(value: bytes) -> None:
    with pytest.raises(ValueError, match="A response header contains a line break or a NUL byte"):
        encode_head(200, [(b"location", value)])
    with pytest.raises(ValueError, match="A response header contains a line break or a NUL byte"):
        encode_head(200, [(value, b"x")])


BODY = (
    b'{"errors":[{"message":"The server is overloaded: 1 requests are running (MAX_CONCURRENT_REQUESTS) and the queue is '
    b'full (MAX_QUEUED_REQUESTS). Retry later.","extensions":{"code":"SERVICE_UNAVAILABLE"}}]}'
)
HEAD = (
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json; charset=utf-8\r\n"
    b"content-length: %d\r\nx-content-type-options: nosniff\r\nvary: accept, accept-encoding, authorization\r\n"
    b"retry-after: 1\r\n" % len(BODY)
)


@pytest.mark.parametrize("closes", [True, False])
@pytest.mark.parametrize("has_body", [True, False])
def test_the_overload_response_is_complete(closes: bool, has_body: bool) -> None:
    response = OverloadResponse(Admission(1, 0)).encode(
        b"id", b"vary: origin\r\n", closes=closes, has_body=has_body
    )

    close = b"connection: close\r\n" if closes else b""
    assert response == HEAD + b"vary: origin\r\n" + close + b"x-request-id: id\r\n\r\n" + (
        BODY if has_body else b""
    )
