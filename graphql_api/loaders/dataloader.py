"""A DataLoader that takes the keys of a whole level in one call and reads them as one batch."""

from asyncio import Future, Task, create_task, get_running_loop, shield
from collections.abc import Awaitable, Callable, Collection, Generator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from aiodataloader import DataLoader

K = TypeVar("K")
V = TypeVar("V")
W = TypeVar("W")

EMPTY: Mapping[Any, Any] = MappingProxyType({})


class Loader(DataLoader[K, V]):
    """A DataLoader that takes the keys of a whole level in one call.

    All keys requested before a batch is dispatched are read with that batch. There are two ways to dispatch:

    - With `auto_dispatch`, a task reads the batch in the next iteration of the event loop. graphql-core
      needs it, because it requests one key per object.
    - Without it, the first awaiter reads the batch at once. Plans request all keys of a level before they
      await any.

    Values and errors are cached for the whole request. `cached` holds the values of an earlier loader.
    """

    def __init__(
        self,
        read: Callable[[Sequence[K]], Awaitable[list[V]]],
        cached: Mapping[K, V] = EMPTY,
        *,
        auto_dispatch: bool = True,
    ) -> None:
        # super().__init__() is not called: it sets up the queue and futures that `load_all` replaces.
        self.batch_load_fn = read  # type: ignore[assignment] - any awaitable is accepted
        self.cached = cached
        self.auto_dispatch = auto_dispatch
        self.values: dict[K, V] = {}
        self.batches: dict[K, _KeyBatch[K, V]] = {}
        self.current_batch: _KeyBatch[K, V] | None = None

    def load_all(self, keys: Sequence[K | None]) -> "PendingValues[K, V]":
        """Request the keys at once and return their pending values, in order; None for a None key."""
        values, batches, batch = self.values, self.batches, self.current_batch
        new: Collection[Any] = dict.fromkeys(keys)
        if values or batches or None in new:
            new = [key for key in new if key is not None and key not in batches and key not in values]
        if new:
            if batch is None:
                batch = self.current_batch = _KeyBatch(self)
            batch.keys.extend(new)
            batches.update(dict.fromkeys(new, batch))
        return PendingValues(self, keys)

    def load(self, key: K) -> Awaitable[V]:  # type: ignore[override] - returns an awaitable, not a future
        """Request one key at once and return its pending value."""
        return self.load_all([key]).then(_first_value)

    def prime(self, key: K, value: V) -> "Loader[K, V]":
        """Cache a value that was read elsewhere, unless the key is cached or requested already."""
        if key not in self.batches:
            self.values.setdefault(key, value)
        return self

    def clear(self, key: K) -> "Loader[K, V]":
        """Remove a key from the cache, so that the next `load` reads it again."""
        self.values.pop(key, None)
        self.batches.pop(key, None)
        return self

    def clear_all(self) -> "Loader[K, V]":
        """Remove all keys from the cache."""
        self.values.clear()
        self.batches.clear()
        return self


class _KeyBatch(Generic[K, V]):
    """Keys that are read together, once: by a task, or by the first awaiter."""

    __slots__ = ("failure", "finished", "keys", "loader", "started", "task")

    def __init__(self, loader: Loader[K, V]) -> None:
        self.loader = loader
        self.keys: list[K] = []
        self.started = False
        self.failure: BaseException | None = None
        self.finished: Future[None] | None = None
        self.task: Task[None] | None = None
        if loader.auto_dispatch:
            self.task = create_task(self.dispatch())
            self.task.add_done_callback(mark_exception_retrieved)

    async def dispatch(self) -> None:
        """Read the keys and cache their values. If the read fails, the batch stays and keeps its error."""
        self.started, loader, keys = True, self.loader, self.keys
        loader.current_batch = None
        try:
            if loader.cached:
                loader.values.update((key, loader.cached[key]) for key in keys if key in loader.cached)
                keys = [key for key in keys if key not in loader.cached]
            if keys:
                loader.values.update(zip(keys, await loader.batch_load_fn(keys), strict=True))
        except BaseException as error:
            self.failure = error
            raise
        finally:
            if self.finished and not self.finished.done():
                self.finished.set_result(None)
        if len(self.keys) == len(loader.batches):
            loader.batches.clear()
        else:
            for key in self.keys:
                del loader.batches[key]

    async def wait(self) -> None:
        """Wait until the keys are read; raise the error of a failed read.

        If a task reads the batch, cancelling one awaiter does not affect the others.
        """
        if not self.started and self.task is None:
            await self.dispatch()
            return
        if self.failure is None:
            dispatched = self.task or self.finished
            if dispatched is None:
                dispatched = self.finished = get_running_loop().create_future()
            await shield(dispatched)
        if self.failure is not None:
            raise self.failure


class PendingValues(Generic[K, V]):
    """Values of requested keys; awaiting them reads the batches that are still pending."""

    __slots__ = ("keys", "loader")

    def __init__(self, loader: Loader[K, V], keys: Sequence[K | None]) -> None:
        self.loader = loader
        self.keys = keys

    def __await__(self) -> Generator[Any, None, list[V | None]]:
        batches, values = self.loader.batches, self.loader.values
        if batches:
            for key in self.keys:
                if key in batches:
                    yield from batches[key].wait().__await__()
        # None is never a key of `values`, so `get` returns None for a None key.
        value_of: Callable[[K | None], V | None] = values.get  # type: ignore[assignment]
        return [*map(value_of, self.keys)]

    def then(self, step: Callable[[list[Any]], W]) -> "MappedValues[W]":
        """Return the result of a function applied to the values when they are loaded."""
        return MappedValues(self, step)


class MappedValues(Generic[W]):
    """The result of a function applied to pending values."""

    __slots__ = ("pending", "step")

    def __init__(self, pending: PendingValues[Any, Any], step: Callable[[list[Any]], W]) -> None:
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


def _first_value(values: Sequence[V]) -> V:
    return values[0]


def mark_exception_retrieved(task: Task[None]) -> None:
    """Retrieve a task's exception, so that asyncio does not warn if no awaiter is left to see it."""
    if not task.cancelled():
        task.exception()
