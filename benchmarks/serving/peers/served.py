"""Serve the Python servers in the same way: one Uvicorn process with uvloop and httptools."""

import gc
import os
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import uvicorn

from benchmarks.serving.peers.sampler import sample_stacks


def dsn() -> str:
    return os.environ["DATABASE_URL"]


def serve(app: Any, config_class: Callable[..., uvicorn.Config] = uvicorn.Config) -> None:
    """Serve until the process is terminated. If PROFILE is set, write a profile to that file.

    All Python servers use the garbage-collection settings of `bookstore serve`.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 10, 1_000)
    profile = os.environ.get("PROFILE")
    with sample_stacks(Path(profile)) if profile else nullcontext():
        config = config_class(
            app,
            port=int(os.environ["PORT"]),
            loop="uvloop",
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
        )
        uvicorn.Server(config).run()
