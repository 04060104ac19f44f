"""The public keys of an identity provider: a JSON Web Key Set at an address or in a file."""

import asyncio
import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any, cast
from urllib.request import HTTPRedirectHandler, Request, build_opener

from jwt import PyJWK, PyJWTError

from graphql_api.access.errors import VerificationUnavailableError

logger = logging.getLogger("bookstore.keys")

JWKS_REFRESH_INTERVAL = 300.0
"""Seconds between two fetches without a cause. A key that the provider has withdrawn is refused after one."""

MIN_JWKS_FETCH_INTERVAL = 5.0
"""Minimum seconds between fetches that tokens with unknown keys cause, however many tokens there are."""

JWKS_TIMEOUT = 3.0
"""Seconds to connect to the provider, and to wait for the next part of its response."""

MAX_JWKS_BYTES = 1_000_000

KeyId = tuple[str, str]
"""A key's `kid`, and the algorithm for which it may be used."""


class _NoRedirects(HTTPRedirectHandler):
    """Refuses redirects: keys come from the configured address or not at all."""

    def redirect_request(self, req: Request, *_: Any, **__: Any) -> None:
        """Return no request to follow."""


class JwksCache:
    """The keys at `location`, for the given algorithms.

    `run` fetches them at intervals. An unknown key causes a fetch as well, so that a new key of the provider
    is accepted at once, but never within MIN_JWKS_FETCH_INTERVAL of the last one. When a fetch fails, the
    keys of the last one stay. `clock` returns seconds.
    """

    def __init__(
        self, location: str, algorithms: Sequence[str], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.location = location
        self.algorithms = algorithms
        self.clock = clock
        self._keys: dict[KeyId, PyJWK] = {}
        self._fetched_at = float("-inf")
        self._fetch: asyncio.Task[None] | None = None
        self._has_failed = False

    async def find(self, key_id: str, algorithm: str) -> PyJWK | None:
        """Return the key with a `kid` for an algorithm, or None if the provider does not have it.

        Raise VerificationUnavailableError if the keys could never be fetched.
        """
        wanted = (key_id, algorithm)
        if wanted not in self._keys and (self._is_fetching or self._may_fetch):
            await self.refresh()
        if not self._keys:
            raise VerificationUnavailableError(
                "Tokens cannot be verified: the keys of the identity provider are not available. Retry later."
            )
        return self._keys.get(wanted)

    async def refresh(self) -> None:
        """Fetch the keys, or wait for the fetch that runs. It goes on if the caller is cancelled."""
        if not self._is_fetching:
            self._fetched_at = self.clock()
            self._fetch = asyncio.create_task(self._fetch_keys())
        assert self._fetch is not None  # noqa: S101 - it was started here or before
        await asyncio.shield(self._fetch)

    async def run(self) -> None:
        """Fetch the keys now and every JWKS_REFRESH_INTERVAL, until cancelled."""
        try:
            while True:
                await self.refresh()
                await asyncio.sleep(JWKS_REFRESH_INTERVAL)
        finally:
            if self._fetch is not None:
                self._fetch.cancel()

    @property
    def _is_fetching(self) -> bool:
        return self._fetch is not None and not self._fetch.done()

    @property
    def _may_fetch(self) -> bool:
        return self.clock() - self._fetched_at >= MIN_JWKS_FETCH_INTERVAL

    async def _fetch_keys(self) -> None:
        """Replace the keys. The first failure in a row is logged."""
        try:
            content = await asyncio.to_thread(_read, self.location)
            self._keys = _parse_keys(content, self.algorithms)
        except Exception as error:  # any error may be temporary, and keys must be fetched again after it
            if not self._has_failed:
                logger.warning("the keys of JWT_JWKS cannot be read, the known ones stay valid: %s", error)
            self._has_failed = True
        else:
            self._has_failed = False


def _read(location: str) -> bytes:
    """Return the content at an address or in a file. Block until it is read.

    Raise an error of urllib or of the file if that is not possible, and ValueError if it is too large.
    """
    if location.startswith(("http://", "https://")):
        request = Request(location, headers={"Accept": "application/json"})  # noqa: S310 - checked above
        source: Any = build_opener(_NoRedirects).open(request, timeout=JWKS_TIMEOUT)
    else:
        source = Path(location).open("rb")  # noqa: SIM115 - it is closed below
    with source:
        content: bytes = source.read(MAX_JWKS_BYTES + 1)
    if len(content) > MAX_JWKS_BYTES:
        raise ValueError(f"it has more than {MAX_JWKS_BYTES:,} bytes")
    return content


def _parse_keys(content: bytes, algorithms: Sequence[str]) -> dict[KeyId, PyJWK]:
    """Return the keys of a set by their ids: each for the algorithm that it names, or for all that suit it.

    A key for encryption, without a `kid` or of an unsuitable type is left out. Raise ValueError if none is
    left.
    """
    document: Any = json.loads(content)
    entries: Any = cast("Mapping[str, Any]", document).get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise ValueError("it is not a JSON Web Key Set")
    keys: dict[KeyId, PyJWK] = {}
    objects = [cast("dict[str, Any]", each) for each in cast("list[Any]", entries) if isinstance(each, dict)]
    for entry, algorithm in product(filter(_is_for_signatures, objects), algorithms):
        if entry.get("alg", algorithm) == algorithm and (key := _parse_key(entry, algorithm)):
            keys[entry["kid"], algorithm] = key
    if not keys:
        raise ValueError("it has no key with a kid for an algorithm in JWT_ALGORITHMS")
    return keys


def _is_for_signatures(entry: Mapping[str, Any]) -> bool:
    return isinstance(entry.get("kid"), str) and entry.get("use", "sig") == "sig"


def _parse_key(entry: dict[str, Any], algorithm: str) -> PyJWK | None:
    """Return a key for an algorithm; None if its type or curve is of another algorithm."""
    try:
        key = PyJWK(entry, algorithm)
        key.Algorithm.prepare_key(key.key)  # it raises if the curve is of another algorithm
    except PyJWTError:
        return None
    return key
