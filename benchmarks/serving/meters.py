"""What processes have used, read from /proc."""

import os
from pathlib import Path

PROC = Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK")


def family(pid: int) -> list[int]:
    """A process and all its descendants."""
    children: dict[int, list[int]] = {}
    for folder in PROC.iterdir():
        if folder.name.isdigit() and (fields := fields_of(int(folder.name))):
            children.setdefault(int(fields[1]), []).append(int(folder.name))
    found = [pid]
    for member in found:
        found.extend(children.get(member, ()))
    return found


def cpu_of(pid: int) -> float:
    """Seconds of CPU that a process and its descendants have used, those included that have ended."""
    members = [fields for member in family(pid) if (fields := fields_of(member))]
    own = sum(int(fields[11]) + int(fields[12]) for fields in members)
    buried = sum(int(fields[13]) + int(fields[14]) for fields in members)
    return (own + buried) / TICKS


def memory_of(pid: int) -> float:
    """Resident MB of a process and its descendants."""
    pages = sum(int((PROC / str(member) / "statm").read_text().split()[1]) for member in family(pid))
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def fields_of(pid: int) -> list[str]:
    """The fields of a process's `stat` after its name, none if it has ended: state, parent, …"""
    try:
        return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []
