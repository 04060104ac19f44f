"""An aiodataloader for whole levels: keys are asked for in one step, and read as one batch."""

from asyncio import Future, Task, create_task, get_running_loop, shield
from collections.abc import Awaitable, Callable, Collection, Generator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from aiodataloader import DataLoader

K = TypeVar("K")
V = TypeVar("V")
W = TypeVar("W")

NOTHING: Mapping[Any, Any] = MappingProxyType({})


class Loader(DataLoader[K, V]):
    """An aiodataloader that takes the keys of a whole level in one step.

    All keys asked for before a batch is read are read with it. Plans ask for all keys of a level before
    they await any: there, whoever awaits first reads the batch at once. Where everybody asks for a key of
    their own, as under stock execution, the loader `gathers`: a task reads the batch when the event loop
    turns. What was loaded, or failed to be, stays so for the request.
    """

    def __init__(
        self,
        read: Callable[[Sequence[K]], Awaitable[list[V]]],
        known: Mapping[K, V] = NOTHING,
        *,
        gathers: bool = True,
    ) -> None:
        # DataLoader's own initialisation is for what `load_all` does in another way.
        self.batch_load_fn = read  # type: ignore[assignment] - whatever can be awaited will do
        self.known = known
        self.gathers = gathers
        self.values: dict[K, V] = {}
        self.batches: dict[K, Batch[K, V]] = {}
        self.open: Batch[K, V] | None = None

    def load_all(self, keys: Sequence[K | None]) -> "Loading[K, V]":
        """The values of the keys, in their order, None for a None. The keys are asked for at once, the
        values come when awaited."""
        values, batches, batch = self.values, self.batches, self.open
        new: Collection[Any] = dict.fromkeys(keys)
        if values or batches or None in new:
            new = [key for key in new if key is not None and key not in batches and key not in values]
        if new:
            if batch is None:
                batch = self.open = Batch(self)
            batch.keys.extend(new)
            batches.update(dict.fromkeys(new, batch))
        return Loading(self, keys)

    def load(self, key: K) -> Awaitable[V]:  # type: ignore[override] - a future is not needed
        """The value of one key, asked for at once too."""
        return self.load_all([key]).then(first)

    def prime(self, key: K, value: V) -> "Loader[K, V]":
        """Take a value that is known already, unless the key was asked for before."""
        if key not in self.batches:
            self.values.setdefault(key, value)
        return self

    def clear(self, key: K) -> "Loader[K, V]":
        """Forget what is known of a key: the next who asks reads it."""
        self.values.pop(key, None)
        self.batches.pop(key, None)
        return self

    def clear_all(self) -> "Loader[K, V]":
        """Forget everything."""
        self.values.clear()
        self.batches.clear()
        return self


class Batch(Generic[K, V]):
    """Keys that are read together, once: by a task, or by the first who waits for them."""

    __slots__ = ("failure", "keys", "loader", "others", "started", "task")

    def __init__(self, loader: Loader[K, V]) -> None:
        self.loader = loader
        self.keys: list[K] = []
        self.started = False
        self.failure: BaseException | None = None
        self.others: Future[None] | None = None
        self.task: Task[None] | None = None
        if loader.gathers:
            self.task = create_task(self.read())
            self.task.add_done_callback(retrieved)

    async def read(self) -> None:
        """Read the keys; they leave the loader's batches unless that fails."""
        self.started, loader, keys = True, self.loader, self.keys
        loader.open = None
        try:
            if loader.known:
                loader.values.update((key, loader.known[key]) for key in keys if key in loader.known)
                keys = [key for key in keys if key not in loader.known]
            if keys:
                loader.values.update(zip(keys, await loader.batch_load_fn(keys), strict=True))
        except BaseException as error:
            self.failure = error
            raise
        finally:
            if self.others and not self.others.done():
                self.others.set_result(None)
        if len(self.keys) == len(loader.batches):
            loader.batches.clear()
        else:
            for key in self.keys:
                del loader.batches[key]

    async def wait(self) -> None:
        """Return when the keys are read. Whoever is cancelled meanwhile takes nothing from the others,
        if a task reads."""
        if not self.started and self.task is None:
            await self.read()
            return
        if self.failure is None:
            reading = self.task or self.others
            if reading is None:
                reading = self.others = get_running_loop().create_future()
            await shield(reading)
        if self.failure is not None:
            raise self.failure


class Loading(Generic[K, V]):
    """Values on their way."""

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
        # A None, where there are any, is no key of the values.
        value_of: Callable[[K | None], V | None] = values.get  # type: ignore[assignment]
        return [*map(value_of, self.keys)]

    def then(self, step: Callable[[list[Any]], W]) -> "Then[W]":
        """What a function makes of the values, once they are there."""
        return Then(self, step)


class Then(Generic[W]):
    """What is made of values on their way."""

    __slots__ = ("loading", "step")

    def __init__(self, loading: Loading[Any, Any], step: Callable[[list[Any]], W]) -> None:
        self.loading = loading
        self.step = step

    def __await__(self) -> Generator[Any, None, W]:
        return self.step((yield from self.loading.__await__()))


class Known(Generic[W]):
    """What need not be waited for, where something to await is wanted."""

    __slots__ = ("value",)

    def __init__(self, value: W) -> None:
        self.value = value

    def __await__(self) -> Generator[Any, None, W]:
        return self.value
        yield


def first(values: Sequence[V]) -> V:
    return values[0]


def retrieved(task: Task[None]) -> None:
    """Whoever waits for a batch sees its failure; if nobody does any more, it is not worth a warning."""
    if not task.cancelled():
        task.exception()
