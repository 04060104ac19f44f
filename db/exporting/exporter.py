"""Export the books of a source to a text file."""

from dataclasses import dataclass, field
from typing import TextIO

from db.connections.connect import Connection
from db.exporting.formats import ExportFormat
from db.exporting.records import count_unpublished, read_records
from db.timeouts import lift_timeouts

_MAX_EXAMPLES = 3


@dataclass(slots=True)
class ExportCounts:
    """The number of exported books, and how many of them an import of the file would change (`lossy`).

    `examples` are the keys of up to _MAX_EXAMPLES lossy books. `unpublished` books are left out.
    """

    books: int = 0
    lossy: int = 0
    unpublished: int = 0
    examples: list[str] = field(default_factory=list[str])


async def export_source(
    connection: Connection, source: str, export_format: ExportFormat, file: TextIO
) -> ExportCounts:
    """Write the published books of a source as one snapshot of the catalog has them. Raises OSError."""
    counts = ExportCounts()
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        await lift_timeouts(connection)
        counts.unpublished = await count_unpublished(connection, source)
        file.write(export_format.heading)
        async for record in read_records(connection, source):
            file.write(export_format.write(record))
            counts.books += 1
            if not export_format.holds(record):
                counts.lossy += 1
                if counts.lossy <= _MAX_EXAMPLES:
                    counts.examples.append(record.source_id)
    return counts
