"""The keys of a provider follow its rotation, with a bounded number of fetches, and outlast its outages."""

import asyncio
import json
import logging
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import pytest

from graphql_api.access.errors import VerificationUnavailableError
from graphql_api.access.jwks import MAX_JWKS_BYTES, MIN_JWKS_FETCH_INTERVAL, JwksCache
from tests.graphql_api.access.key_server import KeyServer, public_jwk, run_key_server
from tests.waiting import until

ES256 = ("ES256",)


@dataclass
class Clock:
    now: float = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def provider() -> Generator[KeyServer]:
    with run_key_server() as provider:
        provider.publish(public_jwk("first"))
        yield provider


async def is_known(cache: JwksCache, key_id: str) -> bool:
    return await cache.find(key_id, "ES256") is not None


async def test_the_keys_are_fetched_once_for_many_tokens(provider: KeyServer) -> None:
    cache = JwksCache(provider.url, ES256)

    known = [await is_known(cache, "first") for _ in range(10)]

    assert (known, provider.requests) == ([True] * 10, 1)


async def test_a_new_key_is_known_at_once_and_a_withdrawn_one_unknown_after_the_next_fetch(
    provider: KeyServer,
) -> None:
    clock = Clock()
    cache = JwksCache(provider.url, ES256, clock=clock)
    assert await is_known(cache, "first")

    provider.publish(public_jwk("second"))
    clock.now += MIN_JWKS_FETCH_INTERVAL
    before = await is_known(cache, "first")
    new = await is_known(cache, "second")
    withdrawn = await is_known(cache, "first")

    assert (before, new, withdrawn, provider.requests) == (True, True, False, 2)


async def test_unknown_keys_cause_one_fetch_per_interval(provider: KeyServer) -> None:
    clock = Clock()
    cache = JwksCache(provider.url, ES256, clock=clock)

    together = await asyncio.gather(*(is_known(cache, f"unknown {n}") for n in range(50)))
    clock.now += MIN_JWKS_FETCH_INTERVAL - 0.001
    within = [await is_known(cache, f"unknown {n}") for n in range(50)]
    requests = provider.requests
    clock.now += 0.001
    after = [await is_known(cache, f"unknown {n}") for n in range(50)]

    assert [*together, *within, *after] == [False] * 150
    assert (requests, provider.requests) == (1, 2)


async def test_tokens_wait_for_the_fetch_that_runs_while_the_event_loop_goes_on(provider: KeyServer) -> None:
    cache = JwksCache(provider.url, ES256)
    provider.is_released.clear()

    finding = [asyncio.create_task(is_known(cache, "first")) for _ in range(5)]
    await until(lambda: provider.requests)
    late = asyncio.create_task(is_known(cache, "first"))
    await asyncio.sleep(0)
    pending = [task.done() for task in (*finding, late)]
    provider.is_released.set()

    assert pending == [False] * 6
    assert await asyncio.gather(*finding, late) == [True] * 6
    assert provider.requests == 1


async def test_a_fetch_goes_on_when_the_request_that_caused_it_is_cancelled(provider: KeyServer) -> None:
    cache = JwksCache(provider.url, ES256)
    provider.is_released.clear()
    cancelled = asyncio.create_task(is_known(cache, "first"))
    await until(lambda: provider.requests)

    cancelled.cancel()
    await asyncio.wait([cancelled])
    provider.is_released.set()

    assert await is_known(cache, "first")
    assert provider.requests == 1


async def test_the_last_keys_stay_while_the_provider_is_down(
    provider: KeyServer, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock()
    cache = JwksCache(provider.url, ES256, clock=clock)
    assert await is_known(cache, "first")

    provider.publish(public_jwk("second"))
    provider.status = 503
    states = []
    for _ in range(3):
        clock.now += MIN_JWKS_FETCH_INTERVAL
        states.append((await is_known(cache, "second"), await is_known(cache, "first")))
    provider.status = 200
    clock.now += MIN_JWKS_FETCH_INTERVAL
    back = await is_known(cache, "second")

    assert (states, back) == ([(False, True)] * 3, True)
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        (
            "WARNING",
            "the keys of JWT_JWKS cannot be read, the known ones stay valid: HTTP Error 503: Service Unavailable",
        )
    ]


async def test_nothing_can_be_verified_before_the_first_fetch(provider: KeyServer) -> None:
    clock = Clock()
    cache = JwksCache(provider.url, ES256, clock=clock)
    provider.status = 503

    for _ in range(3):
        with pytest.raises(VerificationUnavailableError):
            await cache.find("first", "ES256")
    requests = provider.requests
    provider.status = 200
    clock.now += MIN_JWKS_FETCH_INTERVAL

    assert requests == 1
    assert await is_known(cache, "first")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "Expecting value: line 1 column 1 (char 0)"),
        (b"[]", "it is not a JSON Web Key Set"),
        (b'{"keys": {}}', "it is not a JSON Web Key Set"),
        (b'{"keys": [7, {}, {"kid": "x"}]}', "it has no key with a kid for an algorithm in JWT_ALGORITHMS"),
        (b" " * (MAX_JWKS_BYTES + 1), "it has more than 1,000,000 bytes"),
    ],
    ids=["empty", "list", "object", "unusable", "large"],
)
async def test_an_unusable_key_set_leaves_the_last_keys(
    provider: KeyServer, caplog: pytest.LogCaptureFixture, body: bytes, reason: str
) -> None:
    cache = JwksCache(provider.url, ES256)
    await cache.refresh()

    provider.body = body
    await cache.refresh()

    assert await is_known(cache, "first")
    [record] = caplog.records
    assert record.getMessage() == (
        f"the keys of JWT_JWKS cannot be read, the known ones stay valid: {reason}"
    )


async def test_a_key_set_that_is_nested_too_deeply_leaves_the_last_keys(provider: KeyServer) -> None:
    cache = JwksCache(provider.url, ES256)
    await cache.refresh()

    provider.body = b"[" * 500_000
    await cache.refresh()

    assert await is_known(cache, "first")


async def test_keys_for_encryption_or_of_another_curve_are_left_out(provider: KeyServer) -> None:
    provider.publish(
        public_jwk("first"),
        public_jwk("encryption", use="enc"),
        public_jwk("signature", use="sig"),
        public_jwk("curve", "ES384"),
        public_jwk("type", "RS256"),
        {key: value for key, value in public_jwk("nameless").items() if key != "kid"},
    )
    cache = JwksCache(provider.url, ES256)
    await cache.refresh()

    assert sorted(cache._keys) == [("first", "ES256"), ("signature", "ES256")]


async def test_redirects_are_not_followed(provider: KeyServer, caplog: pytest.LogCaptureFixture) -> None:
    with run_key_server() as other:
        other.publish(public_jwk("first"))
        provider.status, provider.headers = 302, {"Location": other.url}
        await JwksCache(provider.url, ES256).refresh()

        assert other.requests == 0
    assert caplog.records[0].getMessage().endswith("HTTP Error 302: Found")


async def test_the_keys_may_be_in_a_file(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file, clock = tmp_path / "keys.json", Clock()
    cache = JwksCache(str(file), ES256, clock=clock)
    with pytest.raises(VerificationUnavailableError):
        await cache.find("first", "ES256")

    file.write_text(json.dumps({"keys": [public_jwk("first")]}))
    clock.now += MIN_JWKS_FETCH_INTERVAL

    assert await is_known(cache, "first")
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


async def test_running_fetches_the_keys_before_a_token_comes(provider: KeyServer) -> None:
    cache = JwksCache(provider.url, ES256)
    running = asyncio.create_task(cache.run())

    await until(lambda: cache._keys)
    running.cancel()
    await asyncio.wait([running])

    assert provider.requests == 1


async def test_running_can_be_ended_during_a_fetch(provider: KeyServer) -> None:
    cache = JwksCache(provider.url, ES256)
    provider.is_released.clear()
    running = asyncio.create_task(cache.run())
    await until(lambda: provider.requests)

    running.cancel()
    await asyncio.wait([running])

    assert cache._fetch is not None
    await asyncio.wait([cache._fetch])
    assert cache._fetch.cancelled()
