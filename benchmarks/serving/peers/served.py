"""How the Python servers are served: alike, by one Uvicorn process on uvloop and httptools."""

import gc
import os
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import uvicorn

from benchmarks.serving.peers.sampler import sampled


def dsn() -> str:
    return os.environ["DATABASE_URL"]


def serve(app: Any, configured: Callable[..., uvicorn.Config] = uvicorn.Config) -> None:
    """Serve until the process is told to end; with PROFILE, write a profile to that file.

    Garbage is collected as by `bookstore serve`, for all of them.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 10, 1_000)
    profile = os.environ.get("PROFILE")
    with sampled(Path(profile)) if profile else nullcontext():
        config = configured(
            app,
            port=int(os.environ["PORT"]),
            loop="uvloop",
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
        )
        uvicorn.Server(config).run()
