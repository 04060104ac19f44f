"""Loaders: one batch for what is asked for at once, and nothing read twice in a request."""

import asyncio
from collections.abc import Sequence

import pytest

from graphql_api.loading import Loader


class Reads:
    """Doubles numbers, keeps what it was asked, and fails for 13."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []

    async def __call__(self, keys: Sequence[int]) -> list[int]:
        self.asked.append(list(keys))
        await asyncio.sleep(0)
        if 13 in keys:
            raise LookupError("no 13")
        return [key * 2 for key in keys]

    def loader(self, **options: object) -> Loader[int, int]:
        async def read(keys: Sequence[int]) -> list[int]:
            return await self(keys)

        return Loader(read, **options)


async def test_what_is_asked_for_at_once_is_one_batch_in_whatever_way_it_is_asked() -> None:
    reads = Reads()
    loader = reads.loader()

    found = await asyncio.gather(
        loader.load_all([1, None, 2, 1]), loader.load(3), loader.load_many([2, 4]), loader.load_all([])
    )

    assert found == [[2, None, 4, 2], 6, [4, 8], []]
    assert [sorted(keys) for keys in reads.asked] == [[1, 2, 3, 4]]


async def test_what_was_read_or_failed_is_not_read_again() -> None:
    reads = Reads()
    loader = reads.loader()

    assert await loader.load_all([1]) == [2]
    for _ in range(2):
        with pytest.raises(LookupError, match="no 13"):
            await loader.load_all([13, 1])
    assert await loader.load_all([1, 5]) == [2, 10]

    assert reads.asked == [[1], [13], [5]]


async def test_what_is_known_from_before_is_not_read() -> None:
    reads = Reads()
    loader = reads.loader(known={1: 2, 7: 14})

    assert await loader.load_all([7, 3]) == [14, 6]
    assert await loader.load_all([1]) == [2]

    assert reads.asked == [[3]]


async def test_one_who_leaves_takes_nothing_from_the_others() -> None:
    loader = Reads().loader()

    async def asks() -> list[int | None]:
        return await loader.load_all([1])

    leaving, staying = asyncio.create_task(asks()), asyncio.create_task(asks())
    await asyncio.sleep(0)
    leaving.cancel()

    assert await staying == [2]
    assert leaving.cancelled()


async def test_whoever_waits_first_reads_the_batch_where_nothing_gathers_it() -> None:
    reads = Reads()
    loader = reads.loader(gathers=False)

    first, second = loader.load_all([1, 2]), loader.load_all([2, 3])

    assert reads.asked == []
    assert await second == [4, 6]
    assert await first == [2, 4]
    assert await loader.load_all([4]).then(sum) == 8
    assert reads.asked == [[1, 2, 3], [4]]


async def test_others_wait_for_the_one_who_reads() -> None:
    reads = Reads()
    loader = reads.loader(gathers=False)

    async def asks(*keys: int) -> list[int | None]:
        return await loading[keys]

    loading = {keys: loader.load_all(keys) for keys in ((1, 2), (2,))}
    assert await asyncio.gather(asks(1, 2), asks(2)) == [[2, 4], [4]]
    assert reads.asked == [[1, 2]]

    loading = {keys: loader.load_all(keys) for keys in ((13,), (13, 5))}
    results = await asyncio.gather(asks(13), asks(13, 5), return_exceptions=True)
    assert [str(result) for result in results] == ["no 13", "no 13"]


async def test_a_value_can_be_given_and_forgotten() -> None:
    reads = Reads()
    loader = reads.loader().prime(1, 100)

    assert await loader.load_all([1, 2]) == [100, 4]
    assert await loader.prime(2, 5).load_all([2]) == [4]
    assert await loader.clear(1).load_all([1, 2]) == [2, 4]
    assert await loader.clear_all().load_all([2]) == [4]
    assert reads.asked == [[2], [1], [2]]
