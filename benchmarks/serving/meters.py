"""Read the CPU time and memory of processes from /proc."""

import os
from pathlib import Path

PROC = Path("/proc")
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def process_tree(pid: int) -> list[int]:
    """Return the ids of a process and all its descendants."""
    children: dict[int, list[int]] = {}
    for folder in PROC.iterdir():
        if folder.name.isdigit() and (fields := stat_fields(int(folder.name))):
            children.setdefault(int(fields[1]), []).append(int(folder.name))
    pids = [pid]
    for member in pids:
        pids.extend(children.get(member, ()))
    return pids


def cpu_seconds_of(pid: int) -> float:
    """Return the CPU time in seconds of a process and its descendants, including those that have ended."""
    members = [fields for member in process_tree(pid) if (fields := stat_fields(member))]
    own = sum(int(fields[11]) + int(fields[12]) for fields in members)
    ended = sum(int(fields[13]) + int(fields[14]) for fields in members)
    return (own + ended) / TICKS_PER_SECOND


def memory_mb_of(pid: int) -> float:
    """Return the resident memory in MB of a process and its descendants."""
    pages = sum(int((PROC / str(member) / "statm").read_text().split()[1]) for member in process_tree(pid))
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def stat_fields(pid: int) -> list[str]:
    """Return the fields of a process's `stat` after its name (state, parent, …), or none if it has ended."""
    try:
        return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []
