"""The server: its listening socket and its processes."""

from graphql_api.server.listener import listening
from graphql_api.server.log_config import log_config
from graphql_api.server.serve import serve

__all__ = ["listening", "log_config", "serve"]
