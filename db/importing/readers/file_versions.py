"""Versions of files: detect whether a file of a feed was changed after it was read."""

from collections.abc import Sequence
from pathlib import Path

_Version = tuple[int, ...]


class FileVersions:
    """The versions of files when they were opened."""

    __slots__ = ("_opened", "paths")

    def __init__(self, paths: Sequence[Path]) -> None:
        self.paths = tuple(paths)
        self._opened = [_version(path) for path in paths]

    def unchanged(self) -> set[int]:
        """Return the places of the files that nobody has written to, replaced or removed since."""
        return {
            place
            for place, (path, opened) in enumerate(zip(self.paths, self._opened, strict=True))
            if opened is not None and _version(path) == opened
        }


def _version(path: Path) -> _Version | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns
