"""Compare the responses of all servers: content and order, regardless of each dialect's names."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, cast

import httptools
import orjson

from benchmarks.serving.workloads import Workload


class ResponseMismatchError(Exception):
    """The responses of two servers differ, or one is an error."""


def canonicalize(value: Any) -> Any:
    """Return a response's data in the common form for comparison.

    PostGraphile has price and currency as separate fields, decimals as text, and the count of a category's
    books next to its page instead of in it.
    """
    if isinstance(value, list):
        return [canonicalize(item) for item in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    result = {key: canonicalize(item) for key, item in cast("dict[str, Any]", value).items()}
    if "id" in result:
        result["id"] = bool(result["id"])  # every server has its own ids
    if "currency" in result:
        amount, currency = result["price"], result.pop("currency")
        result["price"] = None if amount is None else {"amount": Decimal(amount), "currencyCode": currency}
    if isinstance(result.get("amount"), str):
        result["amount"] = Decimal(result["amount"])
    if isinstance(result.get("ratingAverage"), str):
        result["ratingAverage"] = float(result["ratingAverage"])
    books = result.get("books")
    if isinstance(books, dict) and "totalCount" in books:
        result["totalCount"] = cast("dict[str, Any]", books).pop("totalCount")
    return result


def written_books(data: dict[str, Any]) -> Any:
    """Return the books of a response to a write: of one payload with `books`, or of a payload for each `book`."""
    errors = [payload["errors"] for payload in data.values() if payload.get("errors")]
    return errors or [
        book for payload in data.values() for book in payload.get("books") or [payload.get("book")]
    ]


def require_equal(work: Workload, value: Any, responses: Mapping[str, bytes]) -> None:
    """Raise ResponseMismatchError unless all servers' responses to one request are equal and not empty."""
    reference: Any = None
    for server, body in responses.items():
        result: Any = orjson.loads(body)
        if "errors" in result or not result.get("data") or None in result["data"].values():
            raise ResponseMismatchError(
                f"{server} responded to {work.operation}({value!r}) with {body[:2000].decode()}"
            )
        data = canonicalize(written_books(result["data"]) if work.writes else result["data"])
        reference = reference or (server, data)
        if data != reference[1]:
            where = first_difference(reference[1], data)
            raise ResponseMismatchError(
                f"{work.operation}({value!r}): {reference[0]} and {server} differ: {where}"
            )


def first_difference(one: Any, other: Any, path: str = "data") -> str:
    """Return the first difference of two canonical responses."""
    pairs: Iterable[tuple[Any, Any, Any]] = ()
    if isinstance(one, dict) and isinstance(other, dict):
        left, right = cast("dict[str, Any]", one), cast("dict[str, Any]", other)
        if left.keys() != right.keys():
            return f"{path} has {sorted(left)} and {sorted(right)}"
        pairs = ((key, left[key], right[key]) for key in left)
    elif isinstance(one, list) and isinstance(other, list):
        first, second = cast("Sequence[Any]", one), cast("Sequence[Any]", other)
        if len(first) != len(second):
            return f"{path} has {len(first)} and {len(second)} entries"
        pairs = ((number, first[number], second[number]) for number in range(len(first)))
    for key, left_item, right_item in pairs:
        if left_item != right_item:
            return first_difference(left_item, right_item, f"{path}.{key}")
    return f"{path} is {one!r} and {other!r}"


class ResponseParser:
    """Parses an HTTP response completely; only for responses that are compared, not measured."""

    def __init__(self) -> None:
        self.body = b""
        self.complete = False
        self.parser = httptools.HttpResponseParser(self)

    def feed(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.complete = True
