"""DataLoader: keys requested together are one batch, and no key is read twice in a request."""

import asyncio
from collections.abc import Sequence

import pytest

from graphql_api.loaders.dataloader import Loader


class Reads:
    """Doubles numbers, records the batches of keys, and raises for 13."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []

    async def __call__(self, keys: Sequence[int]) -> list[int]:
        self.batches.append(list(keys))
        await asyncio.sleep(0)
        if 13 in keys:
            raise LookupError("no 13")
        return [key * 2 for key in keys]

    def loader(self, **options: object) -> Loader[int, int]:
        async def read(keys: Sequence[int]) -> list[int]:
            return await self(keys)

        return Loader(read, **options)


async def test_keys_requested_together_are_one_batch_whichever_method_requests_them() -> None:
    reads = Reads()
    loader = reads.loader()

    results = await asyncio.gather(
        loader.load_all([1, None, 2, 1]), loader.load(3), loader.load_many([2, 4]), loader.load_all([])
    )

    assert results == [[2, None, 4, 2], 6, [4, 8], []]
    assert [sorted(keys) for keys in reads.batches] == [[1, 2, 3, 4]]


async def test_values_and_errors_are_cached() -> None:
    reads = Reads()
    loader = reads.loader()

    assert await loader.load_all([1]) == [2]
    for _ in range(2):
        with pytest.raises(LookupError, match="no 13"):
            await loader.load_all([13, 1])
    assert await loader.load_all([1, 5]) == [2, 10]

    assert reads.batches == [[1], [13], [5]]


async def test_cached_values_of_an_earlier_loader_are_not_read() -> None:
    reads = Reads()
    loader = reads.loader(cached={1: 2, 7: 14})

    assert await loader.load_all([7, 3]) == [14, 6]
    assert await loader.load_all([1]) == [2]

    assert reads.batches == [[3]]


async def test_cancelling_one_awaiter_does_not_cancel_the_others() -> None:
    loader = Reads().loader()

    async def load() -> list[int | None]:
        return await loader.load_all([1])

    cancelled, other = asyncio.create_task(load()), asyncio.create_task(load())
    await asyncio.sleep(0)
    cancelled.cancel()

    assert await other == [2]
    assert cancelled.cancelled()


async def test_the_first_awaiter_reads_the_batch_without_auto_dispatch() -> None:
    reads = Reads()
    loader = reads.loader(auto_dispatch=False)

    first, second = loader.load_all([1, 2]), loader.load_all([2, 3])

    assert reads.batches == []
    assert await second == [4, 6]
    assert await first == [2, 4]
    assert await loader.load_all([4]).then(sum) == 8
    assert reads.batches == [[1, 2, 3], [4]]


async def test_other_awaiters_wait_for_the_one_that_reads() -> None:
    reads = Reads()
    loader = reads.loader(auto_dispatch=False)

    async def load(*keys: int) -> list[int | None]:
        return await pending[keys]

    pending = {keys: loader.load_all(keys) for keys in ((1, 2), (2,))}
    assert await asyncio.gather(load(1, 2), load(2)) == [[2, 4], [4]]
    assert reads.batches == [[1, 2]]

    pending = {keys: loader.load_all(keys) for keys in ((13,), (13, 5))}
    results = await asyncio.gather(load(13), load(13, 5), return_exceptions=True)
    assert [str(result) for result in results] == ["no 13", "no 13"]


async def test_values_can_be_primed_and_cleared() -> None:
    reads = Reads()
    loader = reads.loader().prime(1, 100)

    assert await loader.load_all([1, 2]) == [100, 4]
    assert await loader.prime(2, 5).load_all([2]) == [4]
    assert await loader.clear(1).load_all([1, 2]) == [2, 4]
    assert await loader.clear_all().load_all([2]) == [4]
    assert reads.batches == [[2], [1], [2]]
