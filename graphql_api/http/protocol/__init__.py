"""The HTTP protocol: connections, from bytes to ASGI and back."""

from graphql_api.http.protocol.config import ProtocolConfig
from graphql_api.http.protocol.connection import BookstoreHttpProtocol

__all__ = ["BookstoreHttpProtocol", "ProtocolConfig"]
