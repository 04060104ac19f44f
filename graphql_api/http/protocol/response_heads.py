"""Response heads: status lines and header fields as bytes."""

from collections.abc import Iterable
from http import HTTPStatus

from graphql_api.http.responses import Header

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
CLOSE: Header = (b"connection", b"close")
CHUNKED: Header = (b"transfer-encoding", b"chunked")

STATUS_LINES = {each.value: b"HTTP/1.1 %d %b\r\n" % (each, each.phrase.encode()) for each in HTTPStatus}


def encode_head(status: int, headers: Iterable[Header]) -> bytes:
    """Return a response's head, with the empty line that ends it.

    Raise ValueError if a header could be read as several: an application must not pass on line breaks.
    """
    lines = [STATUS_LINES.get(status) or b"HTTP/1.1 %d \r\n" % status]
    lines += [b"%b: %b\r\n" % header for header in headers]
    lines.append(b"\r\n")
    head = b"".join(lines)
    if head.count(b"\n") != len(lines) or head.count(b"\r") != len(lines) or b"\0" in head:
        raise ValueError("A response header contains a line break or a NUL byte.")
    return head
