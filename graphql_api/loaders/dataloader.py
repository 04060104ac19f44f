"""An aiodataloader that also takes the keys of a whole level in one call and reads them as one batch."""

from abc import ABC, abstractmethod
from asyncio import CancelledError, Future, ensure_future, get_running_loop, shield
from collections.abc import Awaitable, Callable, Generator, Iterable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from aiodataloader import DataLoader

from graphql_api.execution.runtime import mark_exception_retrieved

K = TypeVar("K")
V = TypeVar("V")
W = TypeVar("W")

EMPTY: Mapping[Any, Any] = MappingProxyType({})


class BatchSizeError(Exception):
    """A batch returned another number of values than it had keys."""


class BatchCancelledError(Exception):
    """The task that read a batch was cancelled."""


class Loader(DataLoader[K, V]):
    """An aiodataloader with `load_all`, which requests the keys of a whole level.

    `load`, `load_many`, `prime`, `clear` and `clear_all` are aiodataloader's, with its batches: all keys that
    are requested in one iteration of the event loop. graphql-core needs them, because it resolves one object
    at a time. There, `load_all` is `load` for each key.

    With `by_level=True`, `load_all` collects keys in a level batch. The first awaiter reads the batch at
    once, in its own task. Plans request all keys of a level before they await any, so neither a future per
    key nor an iteration of the event loop is needed.

    `read` returns the value of each key, in order, or an exception as the error of that key alone. `known`
    has values of an earlier loader, which are not read again.
    """

    def __init__(
        self,
        read: Callable[[list[K]], Awaitable[list[Any]]],
        known: Mapping[K, V] = EMPTY,
        *,
        by_level: bool = False,
    ) -> None:
        self.results: LoaderCache[K, V] = LoaderCache()
        super().__init__(cache_map=self.results)
        self._read = read
        self._known = known
        self._by_level = by_level
        self.level_batch: _LevelBatch[K, V] | None = None

    @staticmethod
    def get_cache_key(key: K) -> K:
        """Return the key: keys are hashable, and equal keys have the same value."""
        return key

    def load_all(self, keys: Sequence[K | None]) -> "Pending[V]":
        """Request the keys at once and return their pending values, in order; None for a None key.

        Awaiting the values raises the first error of a key or of a batch.
        """
        results = self.results
        if not self._by_level or (results and any(map(results.has_future, keys))):
            return _PendingFutures([None if key is None else self.load(key) for key in keys])
        values, batches = results.values_by_key, results.batches
        new: Iterable[Any] = dict.fromkeys(keys)
        if len(values) > 1 or batches or None in new:
            new = [key for key in new if key not in values and key not in batches]
        if new:
            batch = self.level_batch
            if batch is None:
                batch = self.level_batch = _LevelBatch(self)
            batch.keys.extend(new)
            batches.update(dict.fromkeys(new, batch))
        return _PendingLevel(results, keys)

    def prime_all(self, values: Mapping[K, V]) -> None:
        """Cache the values of many keys that were read elsewhere, like `prime`, but without futures."""
        results = self.results
        for key, value in values.items():
            if key not in results.batches and not results.has_future(key):
                results.values_by_key.setdefault(key, value)

    async def batch_load_fn(self, keys: list[K]) -> list[V]:
        """Read a batch of aiodataloader, except for the known values."""
        known = self._known
        missing = [key for key in keys if key not in known] if known else keys
        try:
            loaded = await self.read_batch(missing) if missing else []
        except CancelledError as error:
            # aiodataloader would leave the futures of a cancelled batch pending for ever.
            raise BatchCancelledError("the batch was cancelled") from error
        if not known:
            return loaded
        loaded_by_key = dict(zip(missing, loaded, strict=True))
        return [known[key] if key in known else loaded_by_key[key] for key in keys]

    async def read_batch(self, keys: list[K]) -> list[V]:
        """Return the values of the keys. Raise BatchSizeError if their number differs."""
        values = await self._read(keys)
        if len(values) != len(keys):
            raise BatchSizeError(f"{self._read} returned {len(values):,} values for {len(keys):,} keys")
        return values


class LoaderCache(dict[K, "Future[V]"]):
    """The cache of a loader. To aiodataloader it is a mapping of keys to futures.

    Values are kept without a future in `values_by_key`, where None is the value of the key None. `batches`
    has the level batch of each key that is still to be read. When aiodataloader asks for one of these keys,
    it gets a new future. A level batch that failed stays, with its error.
    """

    __slots__ = ("batches", "values_by_key")

    def __init__(self) -> None:
        self.values_by_key: dict[Any, Any] = {None: None}
        self.batches: dict[K, _LevelBatch[K, V]] = {}

    def store(self, keys: Sequence[K], results: Sequence[Any]) -> None:
        """Store the results of a level batch; an exception becomes a failed future."""
        values, batches = self.values_by_key, self.batches
        if any(issubclass(each, Exception) for each in set(map(type, results))):
            for key, result in zip(keys, results, strict=True):
                self[key] = _completed_future(result)
        else:
            values.update(zip(keys, results, strict=True))
        if len(keys) == len(batches):
            batches.clear()
        else:
            for key in keys:
                del batches[key]

    def has_future(self, key: object) -> bool:
        """Return whether aiodataloader has a future of the key: it is being read, or its read failed."""
        return super().__contains__(key)

    def raise_errors(self, keys: Iterable[K | None]) -> None:
        """Raise the first error of one of these keys, which have been read."""
        for key in keys:
            future: Future[V] | None = super().get(key)  # type: ignore[arg-type] - None is never a key
            if future is not None:
                future.result()

    def get(self, key: K, default: Any = None) -> Any:
        future = super().get(key)
        if future is not None:
            return future
        if key in self.values_by_key:
            return _completed_future(self.values_by_key[key])
        if key in self.batches:
            future = ensure_future(self._wait_for_batch(key))
            future.add_done_callback(mark_exception_retrieved)
            return future
        return default

    async def _wait_for_batch(self, key: K) -> V:
        await self.batches[key].wait()
        self.raise_errors([key])
        return self.values_by_key[key]

    def __contains__(self, key: object) -> bool:
        return key in self.values_by_key or key in self.batches or super().__contains__(key)

    def __setitem__(self, key: K, future: "Future[V]") -> None:
        if future.done() and future.exception() is None:
            self.values_by_key[key] = future.result()
        else:
            super().__setitem__(key, future)
            future.add_done_callback(partial(self._settle, key))

    def _settle(self, key: K, future: "Future[V]") -> None:
        """Replace a completed future by its value. Remove a cancelled one, so that the key is read again."""
        failed = not future.cancelled() and future.exception() is not None
        if not failed and super().get(key) is future:
            super().pop(key)
            if not future.cancelled():
                self.values_by_key[key] = future.result()

    def pop(self, key: K, default: Any = None) -> Any:
        self.values_by_key.pop(key, None)
        return super().pop(key, default)

    def clear(self) -> None:
        self.values_by_key = {None: None}
        super().clear()


class _LevelBatch(Generic[K, V]):
    """Keys of a level, which the first awaiter reads in its own task."""

    __slots__ = ("failure", "finished", "keys", "loader", "started")

    def __init__(self, loader: Loader[K, V]) -> None:
        self.loader = loader
        self.keys: list[K] = []
        self.started = False
        self.failure: BaseException | None = None
        self.finished: Future[None] | None = None

    async def wait(self) -> None:
        """Wait until the keys are read. Raise the error of a failed read, to each awaiter."""
        if not self.started:
            await self._read()
            return
        if self.failure is None:
            if self.finished is None:
                self.finished = get_running_loop().create_future()
            await shield(self.finished)
        if self.failure is not None:
            raise self.failure

    async def _read(self) -> None:
        self.started, loader = True, self.loader
        loader.level_batch = None
        try:
            loader.results.store(self.keys, await loader.read_batch(self.keys))
        except BaseException as error:
            self.failure = error
            raise
        finally:
            if self.finished and not self.finished.done():
                self.finished.set_result(None)


class Pending(ABC, Generic[V]):
    """An awaitable of the values of keys, in their order."""

    __slots__ = ()

    @abstractmethod
    def __await__(self) -> Generator[Any, None, list[V | None]]: ...

    def then(self, step: Callable[[list[Any]], W]) -> "MappedValues[W]":
        """Return the result of a function applied to the values when they are loaded."""
        return MappedValues(self, step)


class _PendingLevel(Pending[V]):
    """Values of a level; awaiting them reads the batches that are still to be read."""

    __slots__ = ("keys", "results")

    def __init__(self, results: LoaderCache[Any, V], keys: Sequence[Any]) -> None:
        self.results = results
        self.keys = keys

    def __await__(self) -> Generator[Any, None, list[V | None]]:
        results, batches = self.results, self.results.batches
        if batches:
            for key in self.keys:
                if key in batches:
                    yield from batches[key].wait().__await__()
        if results:
            results.raise_errors(self.keys)
        return [*map(results.values_by_key.__getitem__, self.keys)]


class _PendingFutures(Pending[V]):
    """Values of aiodataloader's futures. Awaiters share a future, so cancelling one does not cancel it."""

    __slots__ = ("futures",)

    def __init__(self, futures: Sequence["Future[V] | None"]) -> None:
        self.futures = futures

    def __await__(self) -> Generator[Any, None, list[V | None]]:
        for future in self.futures:
            if future is not None and not future.done():
                yield from shield(future).__await__()
        return [None if future is None else future.result() for future in self.futures]


class MappedValues(Generic[W]):
    """The result of a function applied to pending values."""

    __slots__ = ("pending", "step")

    def __init__(self, pending: Pending[Any], step: Callable[[list[Any]], W]) -> None:
        self.pending = pending
        self.step = step

    def __await__(self) -> Generator[Any, None, W]:
        return self.step((yield from self.pending.__await__()))


class ResolvedValue(Generic[W]):
    """An awaitable that returns an existing value without suspending."""

    __slots__ = ("value",)

    def __init__(self, value: W) -> None:
        self.value = value

    def __await__(self) -> Generator[Any, None, W]:
        return self.value
        yield


def _completed_future(result: Any) -> Future[Any]:
    """Return a future that has this result, or fails with it if it is an exception."""
    future: Future[Any] = get_running_loop().create_future()
    if isinstance(result, Exception):
        future.set_exception(result)
    else:
        future.set_result(result)
    return future
