"""Metrics: how operations were run, in the text format of Prometheus."""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

HEAD = """# HELP bookstore_operations_total Operations run: by their plan, or by stock execution and why.
# TYPE bookstore_operations_total counter
"""
ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


def metrics_route(operations: Mapping[str | None, int]) -> Route:
    """/metrics; operations are counted by the reason why stock execution ran them, None for those by plan."""

    async def metrics(request: Request) -> Response:
        lines = [
            f'bookstore_operations_total{{by="{"stock" if reason else "plan"}",'
            f'reason="{(reason or "").translate(ESCAPES)}"}} {count}\n'
            for reason, count in sorted(operations.items(), key=lambda item: item[0] or "")
        ]
        return PlainTextResponse(HEAD + "".join(lines), media_type="text/plain; version=0.0.4")

    return Route("/metrics", metrics)
