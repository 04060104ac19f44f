"""An aiodataloader that also takes the keys of a whole level in one call and reads them as one batch."""

from abc import ABC, abstractmethod
from asyncio import CancelledError, Future, ensure_future, get_running_loop, shield
from collections.abc import Awaitable, Callable, Generator, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from aiodataloader import DataLoader

from graphql_api.execution.runtime import mark_exception_retrieved

K = TypeVar("K")
V = TypeVar("V")
W = TypeVar("W")


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

    `read` returns the value of each key, in order, or an exception as the error of that key alone. With
    `returns_errors=False` it returns no exception, so that nothing looks for one. Values that a `previous`
    loader has loaded are not read again.

    `values_by_key` has the loaded values, where None is the value of the key None. `batches` has the level
    batch of each key that is still to be read. A level batch that failed stays there with its error.
    """

    futures: "_FutureCache[K, V] | None" = None
    level_batch: "_LevelBatch[K, V] | None" = None

    def __init__(
        self,
        read: Callable[[list[K]], Awaitable[list[Any]]],
        *,
        by_level: bool = False,
        returns_errors: bool = True,
        previous: "Loader[K, V] | None" = None,
    ) -> None:
        self.values_by_key: dict[Any, Any] = {None: None}
        self.batches: dict[K, _LevelBatch[K, V]] = {}
        self.read = read
        self._by_level = by_level
        self._returns_errors = returns_errors
        self._known = previous.values_by_key if previous else None
        if not by_level:
            self._start_dataloader()

    def _start_dataloader(self) -> None:
        self.futures = _FutureCache(self.values_by_key, self.batches)
        super().__init__(cache_map=self.futures, loop=get_running_loop())

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            # Plans rarely load single keys, and aiodataloader's part would triple the cost of their loaders.
            if name not in ("loop", "_cache", "_queue"):
                raise AttributeError(name)
            self._start_dataloader()
            return getattr(self, name)

    @staticmethod
    def get_cache_key(key: K) -> K:
        """Return the key: keys are hashable, and equal keys have the same value."""
        return key

    def load_all(self, keys: Sequence[K | None]) -> "Pending[V]":
        """Request the keys at once and return their pending values, in order; None for a None key.

        Awaiting the values raises the first error of a key or of a batch.
        """
        if not self._by_level or (self.futures and any(map(self.futures.has_future, keys))):
            return _PendingFutures([None if key is None else self.load(key) for key in keys])
        values, batches = self.values_by_key, self.batches
        new: Iterable[Any] = dict.fromkeys(keys)
        if len(values) > 1 or batches or None in new:
            new = [key for key in new if key not in values and key not in batches]
        if new:
            batch = self.level_batch
            if batch is None:
                batch = self.level_batch = _LevelBatch(self)
            batch.keys.extend(new)
            batches.update(dict.fromkeys(new, batch))
        return _PendingLevel(self, keys)

    def prime_all(self, values: Mapping[K, V]) -> None:
        """Cache the values of many keys that were read elsewhere, like `prime`, but without futures."""
        for key, value in values.items():
            if key not in self.batches and not (self.futures and self.futures.has_future(key)):
                self.values_by_key.setdefault(key, value)

    async def batch_load_fn(self, keys: list[K]) -> list[V]:
        """Read a batch of aiodataloader, except for the values of the previous loader."""
        known = self._known or {}
        missing = [key for key in keys if key not in known]
        try:
            loaded = await self.read(missing) if missing else []
        except CancelledError as error:
            # aiodataloader would leave the futures of a cancelled batch pending for ever.
            raise BatchCancelledError("the batch was cancelled") from error
        if len(loaded) != len(missing):
            raise self._size_error(missing, loaded)
        loaded_by_key = dict(zip(missing, loaded, strict=True))
        return [loaded_by_key[key] if key in loaded_by_key else known[key] for key in keys]

    def _size_error(self, keys: Sequence[K], values: Sequence[Any]) -> BatchSizeError:
        return BatchSizeError(f"{self.read} returned {len(values):,} values for {len(keys):,} keys")

    def store_level(self, keys: Sequence[K], results: Sequence[Any]) -> None:
        """Store the results of a level batch."""
        if len(results) != len(keys):
            raise self._size_error(keys, results)
        values, batches = self.values_by_key, self.batches
        values.update(zip(keys, results, strict=True))
        if len(keys) == len(batches):
            batches.clear()
        else:
            for key in keys:
                del batches[key]
        if self._returns_errors:
            for key, result in zip(keys, results, strict=True):
                if isinstance(result, Exception):
                    self.prime(key, values.pop(key))

    def raise_errors(self, keys: Iterable[K | None]) -> None:
        """Raise the error of the first of these keys whose read failed. All of them have been read."""
        for key in keys:
            if key is not None and self.futures and self.futures.has_future(key):
                self.futures[key].result()


class _FutureCache(dict[K, "Future[V]"]):
    """The futures of a loader that are pending or failed, as the cache of aiodataloader.

    aiodataloader gets a new future of a key that has a value or a level batch when it asks for one.
    """

    __slots__ = ("batches", "values_by_key")

    def __init__(self, values_by_key: dict[Any, Any], batches: "dict[K, _LevelBatch[K, V]]") -> None:
        self.values_by_key = values_by_key
        self.batches = batches

    def has_future(self, key: object) -> bool:
        return super().__contains__(key)

    def get(self, key: K, default: Any = None) -> Any:
        if key in self.values_by_key:
            future: Future[V] = get_running_loop().create_future()
            future.set_result(self.values_by_key[key])
            return future
        if key in self.batches:
            future = ensure_future(self.batches[key].load(key))
            future.add_done_callback(mark_exception_retrieved)
            return future
        return super().get(key, default)

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
        self.values_by_key.clear()
        self.values_by_key[None] = None
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

    async def load(self, key: K) -> V:
        """Return the value of a key of this batch, or raise its error."""
        await self.wait()
        self.loader.raise_errors([key])
        return self.loader.values_by_key[key]

    async def _read(self) -> None:
        self.started, loader = True, self.loader
        loader.level_batch = None
        try:
            loader.store_level(self.keys, await loader.read(self.keys))
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

    __slots__ = ("keys", "loader")

    def __init__(self, loader: Loader[Any, V], keys: Sequence[Any]) -> None:
        self.loader = loader
        self.keys = keys

    def __await__(self) -> Generator[Any, None, list[V | None]]:
        loader, batches = self.loader, self.loader.batches
        if batches:
            for key in self.keys:
                if key in batches:
                    yield from batches[key].wait().__await__()
        if loader.futures:
            loader.raise_errors(self.keys)
        return [*map(loader.values_by_key.__getitem__, self.keys)]


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
