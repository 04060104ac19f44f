"""Overload: the response to a request for which there is no capacity."""

from graphql_api.http.admission import Admission
from graphql_api.http.media_types import APPLICATION_JSON
from graphql_api.http.protocol.response_heads import encode_head


class OverloadResponse:
    """A 503 that is encoded once. Thousands per second may be sent beside the admitted requests."""

    def __init__(self, admission: Admission) -> None:
        response = admission.overload_error().to_response(APPLICATION_JSON)
        self._head = encode_head(response.status, response.build_headers()).removesuffix(b"\r\n")
        self._body = response.body

    def encode(self, request_id: bytes, further_lines: bytes, *, closes: bool, has_body: bool) -> bytes:
        """Return the response. `further_lines` are encoded header lines."""
        return b"%b%b%bx-request-id: %b\r\n\r\n%b" % (
            self._head,
            further_lines,
            b"connection: close\r\n" if closes else b"",
            request_id,
            self._body if has_body else b"",
        )
