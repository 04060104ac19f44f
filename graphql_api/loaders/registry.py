"""The DataLoaders of one request: keys that are requested together share one SQL statement."""

from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from typing import Any

from db.database import Database
from db.search.vocabulary_cache import VocabularyCache
from graphql_api.loaders.columns import ALL_COLUMNS, ColumnSelection
from graphql_api.loaders.dataloader import Loader


class Loaders:
    """The loaders of one request, created on first use. `by_level` is described at Loader.

    `previous` has loaders by name, whose values are not read again. The vocabulary cache is that of the
    process, or else a new one.
    """

    __slots__ = ("_by_level", "_loaders", "_previous", "columns", "database", "vocabulary_cache")

    def __init__(
        self,
        database: Database,
        columns: ColumnSelection = ALL_COLUMNS,
        *,
        by_level: bool = False,
        previous: Mapping[object, Loader[Any, Any]] | None = None,
        vocabulary_cache: VocabularyCache | None = None,
    ) -> None:
        self.database = database
        self.columns = columns
        self.vocabulary_cache = vocabulary_cache or VocabularyCache()
        self._by_level = by_level
        self._loaders: dict[object, Loader[Any, Any]] = {}
        self._previous = previous

    def loader(
        self,
        name: object,
        read: Callable[..., Coroutine[Any, Any, list[Any]]],
        *arguments: Any,
        **options: Any,
    ) -> Loader[Any, Any]:
        """Return the loader of this name; create it from `read` and its arguments on first use.

        `read` raises an error for all of its keys: a statement has no error of a single key.
        """
        loader = self._loaders.get(name)
        if loader is None:
            read_keys = partial(read, self.database, *arguments, **options)
            previous = self._previous.get(name) if self._previous else None
            loader = self._loaders[name] = Loader(
                read_keys, by_level=self._by_level, returns_errors=False, previous=previous
            )
        return loader

    def for_fallback(self) -> "Loaders":
        """Return loaders for graphql-core, which do not read again what these have loaded."""
        return Loaders(
            self.database,
            self.columns,
            previous=self._loaders,
            vocabulary_cache=self.vocabulary_cache,
        )

    def without_values(self) -> "Loaders":
        """Return loaders of the same kind that have loaded nothing yet."""
        return Loaders(
            self.database, self.columns, by_level=self._by_level, vocabulary_cache=self.vocabulary_cache
        )
