"""Whether all servers answer the same: content and order, whatever each calls things."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, cast

import httptools
import orjson

from benchmarks.serving.works import Work


class Disagreement(Exception):
    """Two servers answered differently, or one with an error."""


def canonical(value: Any) -> Any:
    """An answer in the one form that all are compared in.

    PostGraphile has price and currency side by side, decimals as text, and the count of a category's books
    beside its page instead of in it.
    """
    if isinstance(value, list):
        return [canonical(item) for item in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    found = {key: canonical(item) for key, item in cast("dict[str, Any]", value).items()}
    if "id" in found:
        found["id"] = bool(found["id"])  # every server makes its own
    if "currency" in found:
        amount, currency = found["price"], found.pop("currency")
        found["price"] = None if amount is None else {"amount": Decimal(amount), "currencyCode": currency}
    if isinstance(found.get("amount"), str):
        found["amount"] = Decimal(found["amount"])
    if isinstance(found.get("ratingAverage"), str):
        found["ratingAverage"] = float(found["ratingAverage"])
    books = found.get("books")
    if isinstance(books, dict) and "totalCount" in books:
        found["totalCount"] = cast("dict[str, Any]", books).pop("totalCount")
    return found


def require_same(work: Work, value: str, answers: Mapping[str, bytes]) -> None:
    """Raise Disagreement unless the answers of all servers to one request are the same and not empty."""
    reference: Any = None
    for server, body in answers.items():
        answer: Any = orjson.loads(body)
        if "errors" in answer or not answer.get("data") or None in answer["data"].values():
            raise Disagreement(f"{server} answers {work.operation}({value!r}) with {body[:2000].decode()}")
        found = canonical(answer["data"])
        reference = reference or (server, found)
        if found != reference[1]:
            where = difference(reference[1], found)
            raise Disagreement(f"{work.operation}({value!r}): {reference[0]} and {server} differ: {where}")


def difference(one: Any, other: Any, path: str = "data") -> str:
    """The first place where two canonical answers differ."""
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
            return difference(left_item, right_item, f"{path}.{key}")
    return f"{path} is {one!r} and {other!r}"


class Answer:
    """An HTTP answer taken apart at leisure, for what is compared and not measured."""

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
