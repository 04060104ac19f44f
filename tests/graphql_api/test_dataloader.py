"""Loader: aiodataloader's batches for graphql-core, level batches for plans, and one cache for both."""

import asyncio
import gc
from collections.abc import Awaitable, Sequence
from typing import Any

import pytest

from graphql_api.loaders.dataloader import BatchCancelledError, BatchSizeError, Loader

BY_LEVEL = pytest.mark.parametrize("by_level", [False, True], ids=["graphql-core", "by level"])


class Reads:
    """Doubles numbers and records the batches of keys. 13 fails alone, 14 fails its batch."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.tasks: list[asyncio.Task[Any]] = []

    async def __call__(self, keys: Sequence[int]) -> list[Any]:
        self.batches.append(list(keys))
        task = asyncio.current_task()
        assert task
        self.tasks.append(task)
        await asyncio.sleep(0)
        if 14 in keys:
            raise ValueError("no 14")
        return [LookupError("no 13") if key == 13 else key * 2 for key in keys]

    def loader(self, **options: Any) -> Loader[int, int]:
        return Loader(self, **options)


async def test_keys_requested_together_are_one_batch_whichever_method_requests_them() -> None:
    reads = Reads()
    loader = reads.loader()

    results = await asyncio.gather(
        loader.load_all([1, None, 2, 1]), loader.load(3), loader.load_many([2, 4]), loader.load_all([])
    )

    assert results == [[2, None, 4, 2], 6, [4, 8], []]
    assert reads.batches == [[1, 2, 3, 4]]


@BY_LEVEL
async def test_values_are_cached(by_level: bool) -> None:
    reads = Reads()
    loader = reads.loader(by_level=by_level)

    assert await loader.load_all([1, 2]) == [2, 4]
    assert await loader.load_all([2, 3, None, 1]) == [4, 6, None, 2]
    assert await loader.load(3) == 6

    assert reads.batches == [[1, 2], [3]]


@BY_LEVEL
async def test_the_error_of_one_key_is_raised_for_that_key_alone_and_is_cached(by_level: bool) -> None:
    reads = Reads()
    loader = reads.loader(by_level=by_level)

    together = loader.load_all([1, 13]), loader.load_all([2])

    with pytest.raises(LookupError, match="no 13"):
        await together[0]
    assert await together[1] == [4]
    assert await loader.load_all([1]) == [2]
    with pytest.raises(LookupError, match="no 13"):
        await loader.load_all([13])
    with pytest.raises(LookupError, match="no 13"):
        await loader.load(13)
    assert reads.batches == [[1, 13, 2]]


async def test_the_keys_of_a_failed_batch_are_read_again_under_graphql_core() -> None:
    reads = Reads()
    loader = reads.loader()

    results = await asyncio.gather(loader.load(1), loader.load_all([14]), return_exceptions=True)
    assert [str(result) for result in results] == ["no 14", "no 14"]
    assert await loader.load(1) == 2

    assert reads.batches == [[1, 14], [1]]


@BY_LEVEL
async def test_a_wrong_number_of_values_is_an_error_that_says_so(by_level: bool) -> None:
    async def lose_one(keys: Sequence[int]) -> list[int]:
        return list(keys[1:])

    with pytest.raises(BatchSizeError, match=r"lose_one.* returned 1 values for 2 keys"):
        await Loader(lose_one, by_level=by_level).load_all([1, 2])


async def test_values_of_a_previous_loader_are_not_read_again() -> None:
    reads = Reads()
    previous = reads.loader(by_level=True)
    await asyncio.gather(previous.load(2), previous.load_all([7, 1]))

    loader = reads.loader(previous=previous)
    assert await loader.load_all([7, 3, 2]) == [14, 6, 4]
    assert await loader.load_all([1]) == [2]

    assert sorted(reads.batches) == [[2], [3], [7, 1]]


async def test_cancelling_one_awaiter_does_not_cancel_the_others() -> None:
    loader = Reads().loader()

    async def load() -> list[int | None]:
        return await loader.load_all([1])

    cancelled, other = asyncio.create_task(load()), asyncio.create_task(load())
    await asyncio.sleep(0)
    cancelled.cancel()

    assert await other == [2]
    assert cancelled.cancelled()


async def test_a_cancelled_future_is_not_kept() -> None:
    loader = Reads().loader()

    loader.load(1).cancel()
    await asyncio.sleep(0)

    assert await loader.load(1) == 2


async def test_cancelling_the_task_of_a_batch_is_an_error_of_its_keys() -> None:
    reads = Reads()
    loader = reads.loader()

    pending = loader.load_all([1]), loader.load(2)
    while not reads.tasks:
        await asyncio.sleep(0)
    reads.tasks[0].cancel()

    with pytest.raises(BatchCancelledError):
        await pending[0]
    with pytest.raises(BatchCancelledError):
        await pending[1]


async def test_the_first_awaiter_reads_a_level_batch_in_its_own_task() -> None:
    reads = Reads()
    loader = reads.loader(by_level=True)

    first, second = loader.load_all([1, 2]), loader.load_all([2, 3])

    assert reads.batches == []
    assert await second == [4, 6]
    assert await first == [2, 4]
    assert await loader.load_all([4]).then(sum) == 8
    assert reads.batches == [[1, 2, 3], [4]]
    assert reads.tasks == [asyncio.current_task()] * 2


async def test_other_awaiters_of_a_level_batch_wait_for_the_one_that_reads() -> None:
    reads = Reads()
    loader = reads.loader(by_level=True)

    pending: dict[tuple[int, ...], Awaitable[list[int | None]]] = {}

    async def load(*keys: int) -> list[int | None]:
        return await pending[keys]

    pending |= {keys: loader.load_all(keys) for keys in ((1, 2), (2,))}
    assert await asyncio.gather(load(1, 2), load(2)) == [[2, 4], [4]]
    assert reads.batches == [[1, 2]]

    pending |= {keys: loader.load_all(keys) for keys in ((14,), (14, 5))}
    results = await asyncio.gather(load(14), load(14, 5), load(14), return_exceptions=True)
    assert [str(result) for result in results] == ["no 14"] * 3
    with pytest.raises(ValueError, match="no 14"):
        await loader.load(5)
    assert reads.batches == [[1, 2], [14, 5]]


async def test_load_follows_the_level_batch_that_has_its_key() -> None:
    reads = Reads()
    loader = reads.loader(by_level=True)

    level = loader.load_all([1, 2, 13])
    one, failed, other = loader.load(1), loader.load(13), loader.load(3)

    assert await one == 2
    with pytest.raises(LookupError, match="no 13"):
        await failed
    with pytest.raises(LookupError, match="no 13"):
        await level
    assert await other == 6
    assert reads.batches == [[1, 2, 13], [3]]


@pytest.mark.parametrize(("key", "error"), [(1, None), (13, LookupError), (14, ValueError)])
async def test_a_level_waits_for_a_key_that_load_has_requested(key: int, error: type[Exception]) -> None:
    reads = Reads()
    loader = reads.loader(by_level=True)

    single, level = loader.load(key), loader.load_all([key, 2])

    if error:
        with pytest.raises(error):
            await level
        with pytest.raises(error):
            await single
    else:
        assert await level == [2, 4]
        assert await single == 2
    assert reads.batches == [[key, 2]]


@BY_LEVEL
async def test_values_can_be_primed_and_cleared(by_level: bool) -> None:
    reads = Reads()
    loader = reads.loader(by_level=by_level).prime(1, 100)

    assert await loader.load_all([1, 2]) == [100, 4]
    assert await loader.prime(2, 5).load_all([2]) == [4]
    assert await loader.clear(1).load_all([1, 2]) == [2, 4]
    assert await loader.clear_all().load_all([2]) == [4]
    assert reads.batches == [[2], [1], [2]]


@BY_LEVEL
async def test_many_values_can_be_primed_but_not_those_that_were_requested(by_level: bool) -> None:
    reads = Reads()
    loader = reads.loader(by_level=by_level)

    requested = loader.load_all([1])
    loader.prime(1, 0).prime_all({1: 0, 2: 200, 3: 300})
    loader.prime_all({2: 0})

    assert await requested == [2]
    assert await loader.load_all([1, 2, 3]) == [2, 200, 300]
    assert reads.batches == [[1]]


@BY_LEVEL
async def test_an_error_can_be_primed(by_level: bool) -> None:
    loader: Loader[int, Any] = Reads().loader(by_level=by_level)
    loader.prime(1, LookupError("primed"))

    with pytest.raises(LookupError, match="primed"):
        await loader.load_all([2, 1])


@BY_LEVEL
async def test_errors_that_nobody_awaits_are_not_reported(by_level: bool) -> None:
    gc.collect()  # reports of earlier tests
    reports: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, report: reports.append(report))
    loader = Reads().loader(by_level=by_level)
    others = asyncio.all_tasks()

    first, _ = loader.load_all([1, 14]), loader.load(14)
    with pytest.raises(ValueError, match="no 14"):
        await first
    if tasks := asyncio.all_tasks() - others:
        await asyncio.wait(tasks, timeout=30)
    del loader, first, _
    gc.collect()

    loop.set_exception_handler(None)
    assert reports == []
