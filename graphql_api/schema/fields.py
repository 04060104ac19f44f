"""Fields of relations, which load what an object refers to."""

from collections.abc import Awaitable, Callable, Sequence
from operator import attrgetter
from typing import Any

from graphql_api.context import Context
from graphql_api.execution.fields import BatchResult, batch_field
from graphql_api.loaders.dataloader import Loader
from graphql_api.loaders.registry import Loaders


def loader_field(
    loader_of: Callable[[Loaders], Loader[Any, Any]], key: str, description: str, *costs: object
) -> Any:
    """Return a relation's field: the loader's value for the object's key, or None if the key is None.

    `loader_of` returns the loader among those of a request. `key` names an attribute of the object.
    """

    def load(records: Sequence[Any], context: Context) -> Awaitable[BatchResult]:
        return loader_of(context.loaders).load_all([read_key(each) for each in records])

    read_key = attrgetter(key)
    return batch_field(load, description, *costs, reads=[key])
