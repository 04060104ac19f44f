"""The headings and the key by which a rejects file is known."""

import re
from pathlib import Path

from db.importing.readers.containers import read_head
from db.importing.readers.encodings import find_encoding

PLAIN_HEADINGS = ("row", "field", "value", "reason", "source_id", "title")
"""The headings of rejects without the rows of their source."""

READ_AS = "reject_read_as"
"""The heading of what the columns of the source showed of its cells."""

ROW_HEADINGS = (*(f"reject_{name}" for name in PLAIN_HEADINGS), READ_AS)
"""The headings before those of the source. No shop uses them."""

REJECT_KEY = "reject"
"""The key of the reject in the JSON object of its row."""

_HEAD_BYTES = 1 << 12
_OBJECT = re.compile(r'\s*\{\s*"reject"\s*:\s*\{')
_SEPARATORS = re.compile(r"[,;\t|]")


def is_rejects_file(path: Path) -> bool:
    """Return whether an import wrote the file, or somebody corrected one, so that an import may replace it."""
    if not path.is_file():
        return False
    head = _first_line(path)
    headings = tuple(split_headings(head))
    return (
        headings[:2] == ROW_HEADINGS[:2]
        or headings[:4] == PLAIN_HEADINGS[:4]
        or _OBJECT.match(head) is not None
    )


def is_rejects_table(path: Path) -> bool:
    """Return whether the first line of the file has headings of a rejects file, in any order."""
    return ROW_HEADINGS[0] in split_headings(_first_line(path))


def split_headings(line: str) -> list[str]:
    return [heading.strip().strip('"') for heading in _SEPARATORS.split(line)]


def _first_line(path: Path) -> str:
    head = read_head(path, _HEAD_BYTES)
    lines = head.decode(find_encoding(head[:4]), errors="replace").splitlines()
    return lines[0] if lines else ""
