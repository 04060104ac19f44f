"""The share of the memory that an embedded PostgreSQL keeps pages in."""

import os
from pathlib import Path

import pytest

from db.postgres.memory import memory_size, shared_buffers

GIGABYTE = 2**30
MACHINE = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize(
    ("memory", "setting"),
    [
        (GIGABYTE // 2, "128MB"),
        (GIGABYTE, "128MB"),
        (2 * GIGABYTE, "256MB"),
        (24 * GIGABYTE, "3072MB"),
        (32 * GIGABYTE, "4096MB"),
        (512 * GIGABYTE, "4096MB"),
    ],
)
def test_an_eighth_of_the_memory_is_for_shared_buffers(memory: int, setting: str) -> None:
    assert shared_buffers(memory) == setting


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ([], MACHINE),
        (["max"], MACHINE),
        (["1073741824\n"], GIGABYTE),
        (["9223372036854771712"], MACHINE),
        (["2147483648", "1073741824"], GIGABYTE),
    ],
    ids=["none", "unlimited", "version 2", "unlimited in version 1", "both"],
)
def test_a_container_has_the_memory_of_its_limit(tmp_path: Path, limits: list[str], expected: int) -> None:
    paths = [tmp_path / str(number) for number in range(len(limits))]
    for path, limit in zip(paths, limits, strict=True):
        path.write_text(limit)

    assert memory_size([tmp_path / "missing", *paths]) == expected
