"""Memory: how much of the machine's PostgreSQL keeps pages of the catalog in."""

import os
from collections.abc import Iterable
from pathlib import Path

_CONTROL_GROUP_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)
"""The files with the limit of a container in bytes, or a word for none: of version 2, and of version 1."""

_SHARE = 8
"""One byte in eight is for shared buffers. PostgreSQL's manual advises one in four on a machine of its own.

Reading a page from the buffers of the operating system instead costs about 5 microseconds.
"""

_MIN_MEGABYTES = 128
_MAX_MEGABYTES = 4_096


def shared_buffers(memory: int) -> str:
    """Return PostgreSQL's setting shared_buffers for a number of bytes of memory."""
    megabytes = memory // _SHARE // 2**20
    return f"{min(max(megabytes, _MIN_MEGABYTES), _MAX_MEGABYTES)}MB"


def memory_size(limits: Iterable[Path] = _CONTROL_GROUP_LIMITS) -> int:
    """Return the bytes of memory of the machine, or of the container if that has less."""
    sizes = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    for limit in limits:
        try:
            text = limit.read_text(encoding="ascii").strip()
        except OSError:
            continue
        if text.isdecimal():
            sizes.append(int(text))
    return min(sizes)
