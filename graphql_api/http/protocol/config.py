"""The configuration of a server process, and what its connections share."""

import asyncio
from typing import Any, cast

from starlette.types import ASGIApp
from uvicorn import Config

from graphql_api.http.admission import Admission
from graphql_api.http.backpressure import ReadThrottle
from graphql_api.http.cors import CorsMiddleware
from graphql_api.http.protocol.overload import OverloadResponse
from graphql_api.http.protocol.timeouts import TimeoutMonitor
from graphql_api.http.protocol.uploads import Uploads
from graphql_api.settings import Settings


class ProtocolConfig(Config):
    """uvicorn's configuration, with what all connections of the protocol share."""

    def __init__(
        self, app: Any, settings: Settings, protocol: type[asyncio.Protocol], **options: Any
    ) -> None:
        super().__init__(app, http=protocol, ws="none", **options)
        self.settings = settings
        self.admission = Admission(settings.max_concurrent_requests, settings.max_queued_requests)
        self.overload_response = OverloadResponse(self.admission)
        self.read_throttle = ReadThrottle()
        self.timeout_monitor = TimeoutMonitor()
        self.uploads = Uploads(settings.max_upload_bytes)
        self.cors = CorsMiddleware(app, settings.origins) if settings.origins else None

    @property
    def application(self) -> ASGIApp:
        """The application, once the server has loaded it."""
        config: Any = self  # uvicorn's type of it names types of its own
        return cast("ASGIApp", config.loaded_app)
