"""The size of a catalog: bytes of its tables and indexes, and levels of its B-trees."""

import math
from dataclasses import dataclass
from typing import Any

from db.connections.connect import Connection

MIN_CHILDREN = 100
"""Children of a full inner page at least: a root of few children says nothing about it."""

TABLES = """
/* bytes_of_tables */
SELECT c.relname AS name, pg_table_size(c.oid) AS bytes
FROM pg_class AS c
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
ORDER BY pg_total_relation_size(c.oid) DESC, c.relname
"""

INDEXES = """
/* bytes_of_indexes */
SELECT i.relname AS name, t.relname AS of_table, m.amname AS method, i.oid AS oid, pg_relation_size(i.oid) AS bytes
FROM pg_index AS x
JOIN pg_class AS i ON i.oid = x.indexrelid
JOIN pg_class AS t ON t.oid = x.indrelid
JOIN pg_am AS m ON m.oid = i.relam
WHERE t.relnamespace = 'public'::regnamespace
ORDER BY pg_relation_size(i.oid) DESC, i.relname
"""

TREE = """
/* levels_of_index */
SELECT tree_level + 1 AS levels, internal_pages, leaf_pages FROM pgstatindex($1::oid::regclass)
"""

BOOKS = """
/* books */
SELECT count(*) FROM book
"""


@dataclass(frozen=True, slots=True)
class Tree:
    """A B-tree: the pages that a search reads, and the pages above the leaves and of the leaves."""

    levels: int
    inner_pages: int
    leaf_pages: int

    @property
    def children(self) -> float:
        """The children of an inner page, on average."""
        return (self.leaf_pages + self.inner_pages - 1) / max(1, self.inner_pages)

    def forecast_levels(self, factor: float) -> int:
        """Return the levels with `factor` times the leaves, if inner pages have as many children as now."""
        leaves = max(1.0, self.leaf_pages * factor)
        return max(self.levels, 1 + math.ceil(math.log(leaves, max(MIN_CHILDREN, self.children))))


@dataclass(frozen=True, slots=True)
class Relation:
    """A table with its TOAST, or an index; `tree` is None unless it is a B-tree."""

    name: str
    table: str
    size: int
    method: str = ""
    tree: Tree | None = None


@dataclass(frozen=True, slots=True)
class CatalogSize:
    """The relations of a catalog, the largest first."""

    books: int
    tables: tuple[Relation, ...]
    indexes: tuple[Relation, ...]

    @property
    def size(self) -> int:
        return sum(each.size for each in (*self.tables, *self.indexes))

    def index_size_of(self, table: str) -> int:
        return sum(each.size for each in self.indexes if each.table == table)

    @property
    def inner_pages(self) -> int:
        """The pages above the leaves of all B-trees."""
        return sum(each.tree.inner_pages for each in self.indexes if each.tree)


async def measure_size(connection: Connection) -> CatalogSize:
    """Return the size of a catalog. Creates the extension pgstattuple in it."""
    await connection.execute("CREATE EXTENSION IF NOT EXISTS pgstattuple")
    books: int = await connection.fetchval(BOOKS)
    tables = [Relation(row["name"], row["name"], row["bytes"]) for row in await connection.fetch(TABLES)]
    indexes: list[Relation] = []
    for row in await connection.fetch(INDEXES):
        tree = await read_tree(connection, row) if row["method"] == "btree" else None
        indexes.append(Relation(row["name"], row["of_table"], row["bytes"], row["method"], tree))
    return CatalogSize(books, tuple(tables), tuple(indexes))


async def read_tree(connection: Connection, index: Any) -> Tree:
    row: Any = await connection.fetchrow(TREE, index["oid"])
    return Tree(row["levels"], row["internal_pages"], row["leaf_pages"])
