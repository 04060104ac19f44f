"""The configuration of Python's logging."""

from typing import Any


def log_config(level: str) -> dict[str, Any]:
    """Return a configuration that logs to standard error, each line with the id of its request."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"request": {"()": "graphql_api.http.request_ids.RequestIdFilter"}},
        "formatters": {"line": {"format": "%(levelname)s %(name)s [%(request_id)s] %(message)s"}},
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "filters": ["request"], "formatter": "line"}
        },
        "root": {"level": level.upper(), "handlers": ["stderr"]},
    }
