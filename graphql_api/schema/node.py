"""The interface of all objects with a global id."""

import strawberry

from db import authors as author_reads
from db import books as book_reads
from db import categories as category_reads
from db import series as series_reads
from db import works as work_reads
from graphql_api.execution.fields import object_field
from graphql_api.schema.ids import global_id

Record = (
    book_reads.Book | author_reads.Author | category_reads.Category | series_reads.Series | work_reads.Work
)


def _resolve_id(root: strawberry.Parent[Record]) -> strawberry.ID:
    return global_id(root.type_name, root["id"])


@strawberry.interface(description="An object with a global id, which `node` can look up.")
class Node:
    id: strawberry.ID = object_field(
        _resolve_id,
        "The global id: opaque, unique across all types. `node` looks up the object by it.",
        trusted=True,
    )

    @classmethod
    def resolve_type(cls, value: Record, *_: object) -> str:
        return value.type_name
